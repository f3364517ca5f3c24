import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres, { type Sql } from "postgres";
import { startEmbeddedPostgres } from "../persistence/embedded-postgres.ts";

/** The one PostgreSQL that both servers use, with a database of the bench's own. */
export type BenchPostgres = {
  sql: Sql;
  /** What a child process needs in its environment to reach the database. */
  env: Record<string, string>;
  version: string;
  /** Removes the database, and the PostgreSQL if the bench started it. */
  close(): Promise<void>;
};

/** Notices are not errors: "already exists, skipping". */
const onnotice = (): void => {};

/** With a url: that server, in a new database that is dropped at the end. Without: an embedded one in a temporary folder. */
export const openBenchPostgres = (databaseUrl: string | undefined): Promise<BenchPostgres> =>
  databaseUrl === undefined || databaseUrl === "" ? openEmbedded() : openAt(databaseUrl);

async function versionOf(sql: Sql): Promise<string> {
  const [row] = await sql<{ server_version: string }[]>`show server_version`;
  return row?.server_version ?? "unknown";
}

async function openAt(databaseUrl: string): Promise<BenchPostgres> {
  const database = `scriptorium_bench_${process.pid}`;
  const administration = postgres(databaseUrl, { max: 1, onnotice });
  const url = new URL(databaseUrl);
  url.pathname = `/${database}`;
  await administration`create database ${administration(database)}`;
  const sql = postgres(url.href, { max: 2, onnotice });
  return {
    sql,
    env: { DATABASE_URL: url.href },
    version: await versionOf(sql),
    async close() {
      await sql.end({ timeout: 2 });
      await administration`drop database if exists ${administration(database)} with (force)`;
      await administration.end({ timeout: 2 });
    },
  };
}

async function openEmbedded(): Promise<BenchPostgres> {
  const folder = await mkdtemp(join(tmpdir(), "scriptorium-bench-"));
  // Root's PostgreSQL runs as another user, who must be able to enter.
  await chmod(folder, 0o755);
  const embedded = await startEmbeddedPostgres({ dataDir: folder });
  const { host, port, username, password, database } = embedded.connection;
  const sql = postgres({ ...embedded.connection, max: 2, onnotice });
  return {
    sql,
    // A unix socket has no url that postgres.js reads; its variables it does.
    env: {
      DATABASE_URL: `postgres:///${database}`,
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: username,
      ...(password === undefined ? {} : { PGPASSWORD: password }),
    },
    version: await versionOf(sql),
    async close() {
      await sql.end({ timeout: 2 });
      await embedded.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
