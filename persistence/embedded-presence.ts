import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import { ScriptoriumError } from "../schema/errors.ts";
import { errorCode, isUnavailable, type Sql, UNIQUE_VIOLATION } from "./database.ts";
import { type Address, PASSWORD_FILE } from "./embedded-address.ts";
import { type Cluster, CLUSTER_USER } from "./embedded-cluster.ts";
import { absent } from "./embedded-location.ts";

/** Options of postgres.js. A unix socket has no url that postgres.js reads, so `host` is its folder. */
export type EmbeddedConnection = {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly database: string;
  readonly password?: string;
};

/** One process's say in whether the embedded PostgreSQL is still needed. */
export type Presence = {
  /**
   * Gives it up, and answers whether nobody else needs the cluster.
   * After true nobody can join until `end()`, so that stopping it surprises no one.
   */
  leave(): Promise<boolean>;
  end(): Promise<void>;
};

/** The database of the server, made when it is missing. */
const DATABASE_NAME = "scriptorium";

/** Held shared by every process that started or adopted the cluster, and exclusively by the one that stops it. */
const PRESENCE_LOCK = "7310294655830221";

/** 1 s: a pool that was closed a moment ago is listed until its backends have ended. */
const LINGER_MS = 1_000;

const INVALID_CATALOG_NAME = "3D000";
const DUPLICATE_DATABASE = "42P04";
const LOCK_NOT_AVAILABLE = "55P03";

/** How to connect to a cluster that listens at `address`. */
export async function connectionTo(
  cluster: Cluster,
  address: Address,
): Promise<EmbeddedConnection> {
  const connection = { ...address, username: CLUSTER_USER, database: DATABASE_NAME };
  if (address.host.startsWith("/")) return connection;
  const password = await readFile(join(cluster.path, PASSWORD_FILE), "utf8").catch(absent);
  return password === null ? connection : { ...connection, password: password.trim() };
}

/**
 * Registers this process with a cluster; answers with the reason when it does not take us yet.
 * @throws ScriptoriumError `storage_unavailable` when waiting would not help.
 */
export async function joinCluster(connection: EmbeddedConnection): Promise<Presence | Error> {
  const sql = openControl(connection);
  try {
    await sql`select pg_advisory_lock_shared(${PRESENCE_LOCK}::bigint)`;
    return { leave: () => leave(sql), end: () => cut(sql) };
  } catch (error) {
    await cut(sql);
    if (errorCode(error) !== INVALID_CATALOG_NAME) return reasonToWait(error);
  }
  const failure = await createMissingDatabase(connection);
  return failure ?? (await joinCluster(connection));
}

/** Null when the database is there now, whoever made it. */
async function createMissingDatabase(connection: EmbeddedConnection): Promise<Error | null> {
  const sql = openControl({ ...connection, database: "postgres" });
  try {
    await sql`create database ${sql(DATABASE_NAME)}`;
    return null;
  } catch (error) {
    const madeMeanwhile = [DUPLICATE_DATABASE, UNIQUE_VIOLATION].includes(errorCode(error) ?? "");
    return madeMeanwhile ? null : reasonToWait(error);
  } finally {
    await cut(sql);
  }
}

/** Hands back an error that time heals: still starting, all connections taken, or somebody stopping it this moment. */
function reasonToWait(error: unknown): Error {
  if (error instanceof Error) {
    if (isUnavailable(error) || errorCode(error) === LOCK_NOT_AVAILABLE) return error;
  }
  const message = error instanceof Error ? error.message : String(error);
  throw new ScriptoriumError(
    "storage_unavailable",
    `The embedded PostgreSQL refuses the connection: ${message}`,
    { cause: error },
  );
}

async function leave(sql: Sql): Promise<boolean> {
  await sql`select pg_advisory_unlock_shared(${PRESENCE_LOCK}::bigint)`;
  const [lock] = await sql<{ alone: boolean }[]>`
    select pg_try_advisory_lock(${PRESENCE_LOCK}::bigint) as alone`;
  if (lock?.alone !== true) return false;
  const until = Date.now() + LINGER_MS;
  let others = await countOthers(sql);
  while (others > 0 && Date.now() < until) {
    await delay(50);
    others = await countOthers(sql);
  }
  return others === 0;
}

/** Connections of this program that came without joining: a pool not yet closed, a script that was given the address. */
async function countOthers(sql: Sql): Promise<number> {
  const [row] = await sql<{ others: number }[]>`
    select count(*)::int as others from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid()
      and application_name like 'scriptorium%' and application_name <> 'scriptorium presence'`;
  return row?.others ?? 0;
}

/** One connection that stays: the lock is its session's. Lost with PostgreSQL, it is opened again on use, without the lock. */
function openControl(connection: EmbeddedConnection): Sql {
  return postgres({
    ...connection,
    max: 1,
    max_lifetime: null,
    // 5 s: a postmaster that is halted accepts and never answers.
    connect_timeout: 5,
    fetch_types: false,
    prepare: false,
    onnotice: () => {},
    // 2 s: whoever holds it exclusively is stopping PostgreSQL.
    connection: { application_name: "scriptorium presence", lock_timeout: 2_000 },
  });
}

async function cut(sql: Sql): Promise<void> {
  await sql.end({ timeout: 0 });
}
