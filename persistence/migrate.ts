import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readMigrationFiles } from "drizzle-orm/migrator";
import postgres from "postgres";
import { ScriptoriumError } from "../schema/errors.ts";

const MIGRATIONS_FOLDER = fileURLToPath(new URL("../schema/migrations", import.meta.url));

/** The advisory lock of migrations. Any number will do, as long as every release uses this one: the letters "scrp". */
export const MIGRATION_LOCK_KEY = 0x73_63_72_70;

/** Long enough for another node to finish its migrations, short enough for a start that must say why it does not go on. */
const LOCK_WAIT_MS = 60_000;
const LOCK_POLL_MS = 100;

/**
 * Brings the schema up to date and says how many migrations that took. Nodes that start together wait for each other.
 *
 * All pending migrations are one transaction: either every one is applied or none.
 * @throws ScriptoriumError `storage_unavailable` when another process holds the lock for longer than `lockWaitMs`.
 */
export async function migrate(
  sql: postgres.Sql,
  { lockWaitMs = LOCK_WAIT_MS }: { lockWaitMs?: number } = {},
): Promise<{ applied: number }> {
  const session = openSession(sql);
  try {
    await lock(session, lockWaitMs);
    const applied = await pendingMigrations(session);
    if (applied > 0) await runMigrations(session);
    return { applied };
  } finally {
    // The lock belongs to the session: PostgreSQL lets go of it however the session ends.
    await session.end({ timeout: 5 });
  }
}

/** Drizzle is loaded only when there is something to apply: it takes 240 MB and 0.3 s, and serves nothing else here. */
async function runMigrations(session: postgres.Sql): Promise<void> {
  const { drizzle } = await import("drizzle-orm/postgres-js");
  const migrator = await import("drizzle-orm/postgres-js/migrator");
  await migrator.migrate(drizzle(session), { migrationsFolder: MIGRATIONS_FOLDER });
}

/** How many migrations this release has that the database lacks. Changes nothing. */
export async function pendingMigrations(sql: postgres.Sql): Promise<number> {
  const lastMs = await lastMigration(sql);
  const migrations = readMigrationFiles({ migrationsFolder: MIGRATIONS_FOLDER });
  // As drizzle's migrator decides it: by the time of generation, not by the hash.
  return migrations.filter(({ folderMillis }) => folderMillis > lastMs).length;
}

/** When the newest applied migration was generated (ms since 1970), 0 on an empty database. */
async function lastMigration(sql: postgres.Sql): Promise<number> {
  const [table] = await sql<{ exists: boolean }[]>`
    select to_regclass('drizzle.__drizzle_migrations') is not null as exists`;
  if (table?.exists !== true) return 0;
  const [last] = await sql<{ ms: string | null }[]>`
    select max(created_at) as ms from drizzle.__drizzle_migrations`;
  return Number(last?.ms ?? 0);
}

/**
 * One connection of its own, to where the caller's lead: an advisory lock holds for a connection, not for a pool.
 * Also, `drizzle()` replaces the date parsers of the client it is given, which must not be the caller's.
 */
function openSession({ options }: postgres.Sql): postgres.Sql {
  const own = {
    ...options,
    parsers: { ...options.parsers },
    serializers: { ...options.serializers },
    max: 1,
    // Neither idleness nor age may end the session while it holds the lock.
    idle_timeout: 0,
    max_lifetime: null,
    fetch_types: false,
    // "relation already exists, skipping" is no news.
    onnotice: () => {},
  };
  // postgres.js takes its own parsed options back (its `subscribe` relies on it); only its types do not say so.
  return postgres(own as unknown as postgres.Options<Record<string, postgres.PostgresType>>);
}

/** Polls instead of waiting inside PostgreSQL: a waiting statement keeps a snapshot open for as long as it waits. */
async function lock(session: postgres.Sql, lockWaitMs: number): Promise<void> {
  const deadline = performance.now() + lockWaitMs;
  for (;;) {
    const [answer] = await session<{ locked: boolean }[]>`
      select pg_try_advisory_lock(${MIGRATION_LOCK_KEY}::bigint) as locked`;
    if (answer?.locked === true) return;
    if (performance.now() >= deadline) {
      throw new ScriptoriumError(
        "storage_unavailable",
        `Another process has been migrating this database for ${lockWaitMs / 1000} s; start again when it is done`,
      );
    }
    await sleep(LOCK_POLL_MS);
  }
}
