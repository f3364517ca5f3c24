import type { Logger } from "pino";
import {
  checkServer,
  createDatabase,
  type Database,
  isUnavailable,
  type DatabaseLocation,
} from "../persistence/database.ts";
import { startEmbeddedPostgres, type EmbeddedPostgres } from "../persistence/embedded-postgres.ts";
import { migrate, pendingMigrations } from "../persistence/migrate.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Config } from "./config.ts";

/** How often the embedded PostgreSQL is looked after, ms. */
const WATCH_EVERY_MS = 1000;

/** An open database, and whether it is ours to stop. */
export type Storage = {
  readonly database: Database;
  readonly location: DatabaseLocation;
  /** True when PostgreSQL lives in DATA_DIR and is ours to start and stop. */
  readonly embedded: boolean;
  close(): Promise<void>;
};

/**
 * Opens the database that the configuration names: yours, or the embedded one, which is started if nobody runs it.
 * Used by the server and by the administration script alike, so both work beside each other and alone.
 * @throws ScriptoriumError with a sentence for a person when it cannot be had or will not do.
 */
export async function openStorage(
  config: Pick<Config, "DATABASE_URL" | "DATA_DIR">,
  options: { applicationName: string; logger: Logger },
): Promise<Storage> {
  const { applicationName, logger } = options;
  const start = () => startEmbeddedPostgres({ dataDir: config.DATA_DIR, logger });
  const embedded = config.DATABASE_URL === undefined ? await start() : null;
  const location = embedded?.connection ?? config.DATABASE_URL ?? "";
  const database = createDatabase({ location, applicationName });
  const watch = embedded === null ? null : watchEmbedded({ database, embedded, start, logger });
  const close = async (): Promise<void> => {
    // The watch first: a pool that was closed looks to it like a PostgreSQL that died.
    await watch?.stop();
    await database.close();
    await watch?.leave();
  };
  try {
    await checkServer(database.sql);
  } catch (error) {
    await close();
    throw error;
  }
  return { database, location, embedded: embedded !== null, close };
}

/**
 * Starts the embedded PostgreSQL again when it died: it is ours, nobody else would. Its address stays the same, so
 * the log and everybody else simply reconnect.
 */
function watchEmbedded(options: {
  database: Database;
  embedded: EmbeddedPostgres;
  start: () => Promise<EmbeddedPostgres>;
  logger: Logger;
}): { stop(): Promise<void>; leave(): Promise<void> } {
  const { database, start, logger } = options;
  let { embedded } = options;
  let looking: Promise<void> | null = null;
  let stopped = false;
  const replaced: EmbeddedPostgres[] = [];
  const look = async (): Promise<void> => {
    try {
      await database.sql`select 1`;
    } catch (error) {
      if (stopped || !isUnavailable(error)) return;
      logger.warn({ err: error }, "embedded postgresql does not answer");
      replaced.push(embedded);
      embedded = await start();
    }
  };
  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) => logger.error({ err: error }, "embedded postgresql is down"))
      .finally(() => {
        looking = null;
      });
  }, WATCH_EVERY_MS);
  timer.unref();
  return {
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await looking;
    },
    leave: async () => {
      // Each holds a share in the cluster: the last to leave stops it.
      for (const each of [...replaced, embedded]) await each.close();
    },
  };
}

/** Applies the migrations, or refuses while some are pending and nobody wants them applied. */
export async function prepareSchema(
  { database }: Storage,
  { automatic, logger }: { automatic: boolean; logger: Logger },
): Promise<void> {
  if (automatic) {
    const { applied } = await migrate(database.sql);
    if (applied > 0) logger.info({ applied }, "migrations applied");
    return;
  }
  const pending = await pendingMigrations(database.sql);
  if (pending > 0) {
    throw new ScriptoriumError(
      "bad_configuration",
      `${pending} migrations are pending and AUTO_MIGRATE is false; run "npm run admin -- migrate"`,
    );
  }
}
