import postgres from "postgres";
import { ScriptoriumError } from "../schema/errors.ts";

/** Where PostgreSQL is: a `postgres://` url, or postgres.js options (a unix socket has no portable url form). */
export type DatabaseLocation = string | postgres.Options<Record<string, postgres.PostgresType>>;

export type Sql = postgres.Sql;

/** A statement runs on the pool or inside a transaction; functions that need several statements take one. */
export type SqlOrTransaction = postgres.Sql | postgres.TransactionSql;

/** The way to PostgreSQL; whoever opened it closes it. */
export type Database = {
  /** The pool for everything that is not the log: short statements, at most ten at once. */
  readonly sql: Sql;
  /** A client of its own, for one who must not queue behind others (the log, a compaction, a lock). */
  connect(options?: { maxConnections?: number; lockTimeoutMs?: number }): Sql;
  close(): Promise<void>;
};

/**
 * Error classes that say "the server could not", not "the statement is wrong": worth trying again unchanged. 08 a
 * lost connection, 28 a role that may not log in any more, 53 no disk, memory or connections left, 57 stopping or a
 * timeout, 58 the system below.
 */
const UNAVAILABLE_CLASSES = ["08", "28", "53", "57", "58"];

/** A standby, or a primary that was made read-only: another may be the primary now. */
const READ_ONLY = "25006";

/** Single codes of the same kind: no such database, while it is put back from a backup; rights that were taken away. */
const UNAVAILABLE_CODES = [READ_ONLY, "3D000", "42501"];

/** PostgreSQL's own names for the SQLSTATE codes this program decides on. */
export const UNIQUE_VIOLATION = "23505";
export const FOREIGN_KEY_VIOLATION = "23503";
export const LOCK_NOT_AVAILABLE = "55P03";
export const DEADLOCK_DETECTED = "40P01";

/** The SQLSTATE of an error PostgreSQL reported, else the driver's or the system's code, else null. */
export function errorCode(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

/** Runs a statement that may meet a unique index. @throws ScriptoriumError `conflict` with this message when it does. */
export async function uniquely<T>(statement: PromiseLike<T>, message: string): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    if (errorCode(error) !== UNIQUE_VIOLATION) throw error;
    throw new ScriptoriumError("conflict", message, { cause: error });
  }
}

/** True when the outcome of the statement is unknown or the server is away: a lost connection, a shutdown, no space. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof ScriptoriumError) return error.code === "storage_unavailable";
  if (error instanceof postgres.PostgresError) {
    const { code } = error;
    return UNAVAILABLE_CLASSES.includes(code.slice(0, 2)) || UNAVAILABLE_CODES.includes(code);
  }
  return errorCode(error) !== null;
}

/** True when the connection is no good any more: it hangs, or leads to what is not the primary. */
export const wantsNewConnection = (error: unknown): boolean =>
  error instanceof ScriptoriumError || errorCode(error) === READ_ONLY;

/**
 * Opens a pool; nothing is contacted until the first statement.
 * `application_name` starts with `scriptorium`: the embedded PostgreSQL counts those before it stops.
 */
export function createDatabase(options: {
  location: DatabaseLocation;
  applicationName: string;
}): Database {
  const location = readSocketUrl(options.location);
  const open = (maxConnections: number, lockTimeoutMs: number): Sql => {
    const common = {
      max: maxConnections,
      // 5 s: a start or a retry must not sit behind a dead host for the driver's 30 s.
      connect_timeout: 5,
      // Reconnect quickly: what waits for the log is people.
      backoff: (attempt: number) => Math.min(0.05 * 2 ** attempt, 1),
      onnotice: () => {},
      connection: { application_name: options.applicationName, lock_timeout: lockTimeoutMs },
    };
    return typeof location === "string"
      ? postgres(location, common)
      : postgres({ ...location, ...common });
  };
  const sql = open(10, 10_000);
  return {
    sql,
    connect: ({ maxConnections = 1, lockTimeoutMs = 10_000 } = {}) =>
      open(maxConnections, lockTimeoutMs),
    // 5 s: running statements may finish; after that the sockets are cut.
    close: () => sql.end({ timeout: 5 }),
  };
}

/** libpq's form for a unix socket, `postgres://user@/database?host=/folder`, which postgres.js does not read. */
function readSocketUrl(location: DatabaseLocation): DatabaseLocation {
  if (typeof location !== "string") return location;
  const match = /^postgres(?:ql)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?\/([^?]*)\?(.*)$/u.exec(
    location,
  );
  const query = new URLSearchParams(match?.[4] ?? "");
  const host = query.get("host");
  if (match === null || host === null) return location;
  const [, username = "", password = "", database = ""] = match.map((part) =>
    decodeURIComponent(part ?? ""),
  );
  return { host, port: Number(query.get("port") ?? 5432), username, password, database };
}

/**
 * Refuses a server that cannot keep the promise: too old, a standby, or one that answers COMMIT before it is durable.
 * @throws ScriptoriumError `storage_unavailable` when it cannot be reached, `bad_configuration` when it will not do.
 */
export async function checkServer(sql: Sql): Promise<{ version: number }> {
  const [row] = await sql<{ version: number; synchronous: string; standby: boolean }[]>`
    select current_setting('server_version_num')::int as version,
           current_setting('synchronous_commit') as synchronous,
           pg_is_in_recovery() as standby`.catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const code = errorCode(cause);
    throw new ScriptoriumError(
      "storage_unavailable",
      `PostgreSQL cannot be reached: ${reason === "" ? code : reason}`,
      { cause },
    );
  });
  if (row === undefined) throw new ScriptoriumError("internal", "PostgreSQL gave no settings");
  if (row.version < 150_000) {
    throw new ScriptoriumError(
      "bad_configuration",
      `PostgreSQL 15 or newer is needed; this server is ${Math.floor(row.version / 10_000)}`,
    );
  }
  if (row.standby) {
    throw new ScriptoriumError(
      "bad_configuration",
      "DATABASE_URL points at a standby; the primary is needed, because a document is loaded from the newest state",
    );
  }
  if (row.synchronous !== "on" && row.synchronous !== "remote_apply") {
    throw new ScriptoriumError(
      "bad_configuration",
      `synchronous_commit is ${row.synchronous}; it must be on, or an acknowledged edit could be lost`,
    );
  }
  return { version: row.version };
}
