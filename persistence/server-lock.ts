import { ScriptoriumError } from "../schema/errors.ts";
import type { Database, Sql } from "./database.ts";

/** The advisory lock a server holds on an embedded database while it runs: the letters "srvr". */
const SERVER_LOCK_KEY = 0x73_72_76_72;

/**
 * Keeps a second server off the same embedded database. PostgreSQL lets go of the lock when this process is gone,
 * however it went, so nothing is ever left behind to be cleaned up.
 * @throws ScriptoriumError `conflict` when another server holds it.
 */
export async function holdServerLock(database: Database): Promise<{ close(): Promise<void> }> {
  const sql = database.connect({ maxConnections: 1 });
  const [row] = await sql<{ held: boolean }[]>`
    select pg_try_advisory_lock(${SERVER_LOCK_KEY}) as held`;
  if (row?.held !== true) {
    await sql.end({ timeout: 1 });
    throw new ScriptoriumError(
      "conflict",
      "Another server runs on this data folder; stop it, or give this one a DATA_DIR of its own",
    );
  }
  return { close: () => sql.end({ timeout: 1 }) };
}

/** What a server calls itself at PostgreSQL. */
export const SERVER_APPLICATION = "scriptorium-server";

/** True while a server works on this database, on whatever machine. */
export async function serverIsRunning(sql: Sql): Promise<boolean> {
  const rows = await sql`
    select 1 from pg_stat_activity where application_name = ${SERVER_APPLICATION}
      and datname = current_database() limit 1`;
  return rows.length > 0;
}
