import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { createSignIn } from "../extensions/sign-in.ts";
import { Upkeep } from "../extensions/upkeep.ts";
import type { Database } from "../persistence/database.ts";
import { holdServerLock } from "../persistence/server-lock.ts";
import { documentsToSweep } from "../persistence/sweep.ts";
import { UpdateLog, type UpdateLogOptions } from "../persistence/update-log.ts";
import { UpkeepThread } from "../persistence/upkeep-tasks.ts";
import { createCollaboration, type Collaboration } from "./collaboration.ts";
import type { Config } from "./config.ts";
import { createHttpServer, listen } from "./http.ts";
import { createRestApp } from "./rest/app.ts";
import type { Storage } from "./storage.ts";
import { WebsocketDoor } from "./websocket.ts";

/** A running server. */
export type Node = {
  readonly port: number;
  readonly collaboration: Collaboration;
  readonly updateLog: UpdateLog;
  /** Takes nothing more in, commits what is there, says goodbye with 1012, stops the rest. */
  close(): Promise<void>;
};

/** What a server is put together from. */
export type NodeOptions = {
  readonly config: Config;
  readonly storage: Pick<Storage, "database" | "location" | "embedded">;
  readonly logger: Logger;
};

/** What is received but not committed gets this long at a stop, ms; the rest was never acknowledged. */
const DRAIN_TIMEOUT_MS = 10_000;

/** Another's lock on one document, ms: the others must not wait for it for long. */
const LOG_LOCK_TIMEOUT_MS = 2000;

/** Puts the parts together, on a database that is open and migrated. */
export async function startNode({ config, storage, logger }: NodeOptions): Promise<Node> {
  const { database } = storage;
  const lock = storage.embedded ? await holdServerLock(database) : null;
  const upkeep = openUpkeep({ config, storage, logger });
  const updateLog = openUpdateLog(
    { config, storage, logger },
    {
      onCommitted: (address, rows, bytes) => upkeep.committed(address, rows, bytes),
      onFailed: (address, failure) => collaboration.documents.failed(address.name, failure.code),
    },
  );
  const signIn = createSignIn({ sql: database.sql });
  const collaboration = createCollaboration({
    sql: database.sql,
    updateLog,
    upkeep,
    logger,
    signIn,
  });
  const rest = createRestApp({
    sql: database.sql,
    signIn,
    logger,
    isRestarting: () => door.isRefusing,
  });
  const http = createHttpServer({
    rest,
    readiness: () => readiness(door, updateLog, database),
  });
  const door = new WebsocketDoor({ http, collaboration, logger });

  const close = async (): Promise<void> => {
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

function openUpkeep({ config, storage, logger }: NodeOptions): Upkeep {
  const { database, location } = storage;
  return new Upkeep({
    thread: new UpkeepThread({ location, logger }),
    logger,
    sweep: (limits) => documentsToSweep(database.sql, limits),
    projectAfterMs: config.PROJECT_AFTER_MS,
    projectAtLatestMs: config.PROJECT_AT_LATEST_MS,
    idleAfterMs: config.IDLE_AFTER_MS,
    versionIntervalMs: config.VERSION_INTERVAL_MS,
    sweepEveryMs: config.SWEEP_EVERY_MS,
  });
}

const openUpdateLog = (
  { config, storage, logger }: NodeOptions,
  listeners: Pick<UpdateLogOptions, "onCommitted" | "onFailed">,
): UpdateLog =>
  new UpdateLog({
    connect: () =>
      storage.database.connect({ maxConnections: 1, lockTimeoutMs: LOG_LOCK_TIMEOUT_MS }),
    logger,
    windowMs: config.COMMIT_WINDOW_MS,
    commitTimeoutMs: config.COMMIT_TIMEOUT_MS,
    documentBacklogBytes: config.DOCUMENT_BACKLOG_BYTES,
    totalBacklogBytes: config.TOTAL_BACKLOG_BYTES,
    ...listeners,
  });

/** Null when documents can be opened and edits be committed, else why not. */
async function readiness(
  door: WebsocketDoor,
  updateLog: UpdateLog,
  { sql }: Database,
): Promise<string | null> {
  if (door.isRefusing) return "restarting";
  if (updateLog.failingSinceMs !== null) return "storage_unavailable";
  // One second: a database that hangs is not ready either.
  const answer = sql`select 1`.then(() => null);
  return Promise.race([answer, delay(1000, "storage_unavailable", { ref: false })]);
}
