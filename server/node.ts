import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { createSignIn } from "../extensions/sign-in.ts";
import { createUpkeep } from "../extensions/upkeep.ts";
import { holdServerLock } from "../persistence/server-lock.ts";
import { documentsToSweep } from "../persistence/sweep.ts";
import { UpdateLog } from "../persistence/update-log.ts";
import { createUpkeepThread } from "../persistence/upkeep-tasks.ts";
import { createCollaboration, type Collaboration } from "./collaboration.ts";
import type { Config } from "./config.ts";
import { createHttpServer, listen } from "./http.ts";
import type { Storage } from "./storage.ts";
import { openWebsocketDoor } from "./websocket.ts";

/** A running server. */
export type Node = {
  readonly port: number;
  readonly collaboration: Collaboration;
  readonly updateLog: UpdateLog;
  close(): Promise<void>;
};

/** What is received but not committed gets this long at a stop, ms; the rest was never acknowledged. */
const DRAIN_TIMEOUT_MS = 10_000;

/** Puts the parts together, on a database that is open and migrated. Closing takes them apart in reverse. */
export async function startNode(options: {
  config: Config;
  storage: Storage;
  logger: Logger;
}): Promise<Node> {
  const { config, storage, logger } = options;
  const { database, location } = storage;
  const lock = storage.embedded ? await holdServerLock(database) : null;
  const upkeep = createUpkeep({
    thread: createUpkeepThread({ location, logger }),
    logger,
    sweep: (limits) => documentsToSweep(database.sql, limits),
    projectAfterMs: config.PROJECT_AFTER_MS,
    projectAtLatestMs: config.PROJECT_AT_LATEST_MS,
    idleAfterMs: config.IDLE_AFTER_MS,
    versionIntervalMs: config.VERSION_INTERVAL_MS,
    sweepEveryMs: config.SWEEP_EVERY_MS,
  });
  const updateLog = new UpdateLog({
    // Two seconds: somebody else's lock on one document must not hold up all the others for long.
    connect: () => database.connect({ maxConnections: 1, lockTimeoutMs: 2000 }),
    logger,
    windowMs: config.COMMIT_WINDOW_MS,
    commitTimeoutMs: config.COMMIT_TIMEOUT_MS,
    documentBacklogBytes: config.DOCUMENT_BACKLOG_BYTES,
    totalBacklogBytes: config.TOTAL_BACKLOG_BYTES,
    onCommitted: (address, rows, bytes) => upkeep.committed(address, rows, bytes),
    onFailed: (address, failure) => collaboration.documents.failed(address.name, failure.code),
  });
  const signIn = createSignIn({ sql: database.sql });
  const collaboration = createCollaboration({
    sql: database.sql,
    updateLog,
    upkeep,
    logger,
    signIn,
  });
  let stopping = false;
  const http = createHttpServer(async () => {
    if (stopping) return "restarting";
    if (updateLog.failingSinceMs !== null) return "storage_unavailable";
    // A database that hangs is not ready either.
    const answer = database.sql`select 1`.then(() => null);
    return Promise.race([answer, delay(1000, "storage_unavailable", { ref: false })]);
  });
  const door = openWebsocketDoor({ http, collaboration, logger });

  /** In this order: take nothing more in, commit what is there, say goodbye, stop the rest. */
  const close = async (): Promise<void> => {
    stopping = true;
    door.refuse();
    await updateLog.close(DRAIN_TIMEOUT_MS);
    await door.close();
    await new Promise((closed) => {
      http.close(closed);
      http.closeAllConnections();
    });
    await upkeep.close();
    await lock?.close();
  };

  try {
    const port = await listen(http, config.HOST, config.PORT);
    return { port, collaboration, updateLog, close };
  } catch (error) {
    await close();
    throw error;
  }
}
