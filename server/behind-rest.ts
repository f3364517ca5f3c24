import type { Logger } from "pino";
import type { Sql } from "../persistence/database.ts";
import { UpkeepThread } from "../persistence/upkeep-tasks.ts";
import type { Storage } from "./storage.ts";

/** What one caller makes the others wait for at most, and how many may wait. */
const THREAD_LIMITS = { taskTimeoutMs: 15_000, maxWaiting: 100 };

/** Statements of REST at once. */
const REST_CONNECTIONS = 10;

/** What callers of REST wait for: a pool and threads that nobody else waits for. */
export type BehindRest = {
  readonly sql: Sql;
  readonly thread: UpkeepThread;
  readonly readingThread: UpkeepThread;
  readonly suggestionThread: UpkeepThread;
  /** For decisions alone: others who type wait for the lock that one holds. */
  readonly decidingThread: UpkeepThread;
  close(): Promise<void>;
};

/** Nobody who signs in or opens a document queues behind a large request, nor a reader behind a compaction. */
export function openBehindRest({
  storage,
  logger,
}: {
  readonly storage: Pick<Storage, "database" | "location">;
  readonly logger: Logger;
}): BehindRest {
  const sql = storage.database.connect({ maxConnections: REST_CONNECTIONS });
  const { location } = storage;
  const open = (): UpkeepThread => new UpkeepThread({ location, logger, limits: THREAD_LIMITS });
  const threads = {
    thread: open(),
    readingThread: open(),
    suggestionThread: open(),
    decidingThread: open(),
  };
  const close = async (): Promise<void> => {
    await sql.end({ timeout: 1 });
    for (const thread of Object.values(threads)) await thread.close();
  };
  return { sql, ...threads, close };
}
