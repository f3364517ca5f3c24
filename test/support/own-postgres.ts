import { chmod, mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createDatabase, type Database } from "../../persistence/database.ts";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../../persistence/embedded-postgres.ts";
import { isAlive, readPidFile } from "../../persistence/embedded-postmaster.ts";
import { migrate } from "../../persistence/migrate.ts";
import { until } from "./until.ts";

/** A PostgreSQL that belongs to one test file, to be killed. Migrated; its address stays the same. */
export type OwnPostgres = {
  readonly database: Database;
  /** Environment variables that lead a server there. */
  readonly env: { DATABASE_URL: string };
  /** kill -9 of the postmaster; resolves when no backend answers any more. */
  kill(): Promise<void>;
  /** Starts it again; resolves when it takes connections. */
  restart(): Promise<void>;
  /** What it has written into its log. */
  log(): Promise<string>;
  close(): Promise<void>;
};

/** Backends learn of their postmaster's death within milliseconds; what they had committed by then was committed. */
const LAST_REPLIES_MS = 500;

/** Starts one in a folder of its own inside `folder`, which `close()` removes. */
export async function startOwnPostgres({ folder = tmpdir() } = {}): Promise<OwnPostgres> {
  const base = await realpath(await mkdtemp(join(folder, "scriptorium-own-")));
  // Open to the user postgres: a root's cluster lies in the folder itself then.
  await chmod(base, 0o755);
  const dataDir = join(base, "data");
  const started: EmbeddedPostgres[] = [await startEmbeddedPostgres({ dataDir })];
  const location = started[0]?.connection;
  if (location === undefined) throw new Error("PostgreSQL did not start");
  const { host, port, username, database: name } = location;
  const database = createDatabase({ location, applicationName: "scriptorium-test" });
  await migrate(database.sql);
  return {
    database,
    env: {
      DATABASE_URL: host.startsWith("/")
        ? `postgres://${username}@/${name}?host=${encodeURIComponent(host)}&port=${port}`
        : `postgres://${username}:${location.password ?? ""}@${host}:${port}/${name}`,
    },
    async kill() {
      const file = await readPidFile(join(dataDir, "postgres"));
      if (file === null) throw new Error("no postmaster.pid");
      process.kill(file.pid, "SIGKILL");
      await until(() => !isAlive(file.pid), { describe: "the postmaster to be gone" });
      await delay(LAST_REPLIES_MS);
    },
    async restart() {
      started.push(await startEmbeddedPostgres({ dataDir }));
    },
    log: () => readFile(join(dataDir, "postgres.log"), "utf8"),
    async close() {
      await database.close();
      for (const handle of started) await handle.close();
      await rm(base, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
