import type { Server } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { type Bell, createBell } from "../extensions/bell.ts";
import { FailedSignIns } from "../extensions/failed-sign-ins.ts";
import type { InboxStreams } from "../extensions/inbox-streams.ts";
import { createSignIn, type SignIn } from "../extensions/sign-in.ts";
import { RightsWatch } from "../extensions/rights-watch.ts";
import { createSignInGuard } from "../extensions/sign-in-guard.ts";
import { checkUpdate } from "../extensions/update-check.ts";
import { UpdateCheckThread } from "../extensions/update-check-thread.ts";
import type { IntakeOptions } from "../extensions/update-intake.ts";
import type { Upkeep } from "../extensions/upkeep.ts";
import type { Database } from "../persistence/database.ts";
import { holdServerLock } from "../persistence/server-lock.ts";
import { UpdateLog, type UpdateLogOptions } from "../persistence/update-log.ts";
import { createAdmission } from "./admission.ts";
import { createCollaboration, type Collaboration } from "./collaboration.ts";
import type { Config } from "./config.ts";
import { gateLimits } from "./gate-limits.ts";
import { createHttpServer, listen } from "./http.ts";
import { jwtSettingsOf } from "./jwt-settings.ts";
import { createMetricsDoor } from "./metrics-door.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createRestApp } from "./rest/app.ts";
import type { SocketCalls } from "./rest/socket-calls.ts";
import { openCommands } from "./open-commands.ts";
import { openInboxStreams } from "./open-inbox.ts";
import { countPending } from "../persistence/suggestions.ts";
import { SuggestionWatch } from "../extensions/suggestions/watch.ts";
import type { DocumentAddress } from "../schema/ids.ts";
import { type BehindRest, openBehindRest } from "./behind-rest.ts";
import { openUpkeep } from "./open-upkeep.ts";
import type { Storage } from "./storage.ts";
import { type DoorOptions, WebsocketDoor } from "./websocket.ts";

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
  /** How many the process has had; none where not given. */
  readonly unhandledRejections?: () => number;
  /** For the bench, which measures what it costs. */
  readonly check?: IntakeOptions["check"];
};

/** What is received but not committed gets this long at a stop, ms; the rest was never acknowledged. */
const DRAIN_TIMEOUT_MS = 10_000;

/** What stands around the largest update in its frame: the address, two types, a length. */
const AROUND_AN_UPDATE_BYTES = 1024;

/** How much one frame may bring, and how much may wait for a reader. */
const sizes = (config: Config): Pick<DoorOptions, "maxFrameBytes" | "maxUnreadBytes"> => ({
  maxFrameBytes: config.MAX_FIRST_SYNC_BYTES + AROUND_AN_UPDATE_BYTES,
  maxUnreadBytes: config.SLOW_READER_BYTES,
});

/** Another's lock on one document, ms: the others must not wait for it for long. */
const LOG_LOCK_TIMEOUT_MS = 2000;

/** Puts the parts together, on a database that is open and migrated. */
export async function startNode(options: NodeOptions): Promise<Node> {
  const { config, storage, logger } = options;
  const lock = storage.embedded ? await holdServerLock(storage.database) : null;
  const metrics = createMetrics(options.unhandledRejections);
  const bell = createBell();
  const onCommitted = (at: DocumentAddress): void => suggestionWatch.committed(at);
  const upkeep = openUpkeep(options, { metrics, bell, onCommitted });
  const onFailed: Required<UpdateLogOptions>["onFailed"] = ({ name }, { code }) =>
    collaboration.documents.failed(name, code);
  const updateLog = openUpdateLog(options, { metrics, upkeep, onFailed });
  const failed = new FailedSignIns({ sql: storage.database.sql, logger });
  const signIn = openSignIn(options, failed);
  const checkThread = new UpdateCheckThread({ cpuMs: config.CHECK_CPU_MS, logger });
  const gate = gateOptions(options, metrics, checkThread);
  const beside = { updateLog, upkeep, signIn, metrics, gate };
  const collaboration = openCollaboration(options, {
    ...beside,
    onCall: (connection, payload) => calls(connection, payload),
  });
  const watch = openRightsWatch(options, collaboration);
  const behindRest = openBehindRest(options);
  const suggestionWatch = openSuggestionWatch(options, collaboration, behindRest);
  const parts = { ...beside, collaboration, bell, behindRest, suggestionWatch };
  const { calls, ...doors } = openDoors(options, parts);
  const close = async (): Promise<void> => {
    await closeDoors({ ...doors, updateLog });
    suggestionWatch.close();
    for (const part of [watch, failed, behindRest, upkeep, checkThread]) await part.close();
    metrics.close();
    await lock?.close();
  };
  try {
    const port = await listen(doors.http, config.HOST, config.PORT);
    return { port, collaboration, updateLog, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const openSuggestionWatch = (
  { logger }: NodeOptions,
  { documents: live }: Collaboration,
  { sql, suggestionThread }: BehindRest,
): SuggestionWatch =>
  new SuggestionWatch({
    pending: (documentId) => countPending(sql, documentId),
    standings: (documentId) => suggestionThread.standings(documentId),
    live,
    logger,
  });

function openSignIn({ config, storage, logger }: NodeOptions, failed: FailedSignIns): SignIn {
  const { sql } = storage.database;
  const failuresPerMinute = config.SIGN_IN_FAILURES_PER_MINUTE;
  const guard = createSignInGuard({ failuresPerMinute, failed });
  return createSignIn({ sql, logger, jwt: jwtSettingsOf(config), guard });
}

const gateOptions = (
  { config, check = checkUpdate }: NodeOptions,
  { updateRefused }: Metrics,
  thread: UpdateCheckThread,
): Omit<IntakeOptions, "logger"> => ({
  limits: gateLimits(config),
  check,
  thread,
  onRefused: updateRefused,
});

type Parts = {
  readonly collaboration: Collaboration;
  readonly signIn: SignIn;
  readonly updateLog: UpdateLog;
  readonly metrics: Metrics;
  readonly bell: Bell;
  readonly upkeep: Upkeep;
  readonly behindRest: BehindRest;
  readonly suggestionWatch: SuggestionWatch;
};

type Doors = {
  readonly http: Server;
  readonly door: WebsocketDoor;
  readonly streams: InboxStreams;
  readonly calls: SocketCalls;
};

function openDoors(options: NodeOptions, parts: Parts): Doors {
  const { config, storage, logger } = options;
  const { collaboration, signIn, updateLog, metrics, bell } = parts;
  const { sql, thread, readingThread, suggestionThread, decidingThread } = parts.behindRest;
  const behindRest = { sql, thread, readingThread, suggestionThread, decidingThread };
  const live = collaboration.documents;
  const onLimit = metrics.limitReached;
  const admission = createAdmission(config, onLimit);
  const { calls, ...commanding } = openCommands({
    ...parts,
    ...behindRest,
    logger,
    admission,
  });
  const streams = openInboxStreams(options, { sql, bell, onLimit });
  const served = { ...behindRest, signIn, logger, live, bell, streams, admission };
  const rest = createRestApp({
    ...commanding,
    ...served,
    rights: collaboration.rights,
    // A JWT names an organization by its slug: then a slug must not be anybody's to take.
    mayMakeOrganizations: config.NEW_ORGANIZATIONS ?? jwtSettingsOf(config) === null,
    isRestarting: () => door.isRefusing,
    onAnswered: metrics.answered,
  });
  const http = createHttpServer({
    rest,
    readiness: () => readiness(door, updateLog, storage.database),
    metrics: createMetricsDoor({ registry: metrics.registry, token: config.METRICS_TOKEN }),
    onLimit,
  });
  admission.limitConnections(http);
  const behindDoor = { http, collaboration, logger, admission, onLimit };
  const door = new WebsocketDoor({ ...behindDoor, ...sizes(config) });
  metrics.watch({ door, updateLog });
  return { http, door, streams, calls };
}

/** First what comes in, then what is on its way to the database, then the connections. */
async function closeDoors({
  http,
  door,
  streams,
  updateLog,
}: Omit<Doors, "calls"> & Pick<Parts, "updateLog">) {
  door.refuse();
  await streams.close();
  await updateLog.close(DRAIN_TIMEOUT_MS);
  await door.close();
  await new Promise((closed) => {
    http.close(closed);
    http.closeAllConnections();
  });
}

const openUpdateLog = (
  { config, storage, logger }: NodeOptions,
  told: { metrics: Metrics; upkeep: Upkeep } & Required<Pick<UpdateLogOptions, "onFailed">>,
): UpdateLog =>
  new UpdateLog({
    connect: () =>
      storage.database.connect({ maxConnections: 1, lockTimeoutMs: LOG_LOCK_TIMEOUT_MS }),
    logger,
    windowMs: config.COMMIT_WINDOW_MS,
    commitTimeoutMs: config.COMMIT_TIMEOUT_MS,
    documentBacklogBytes: config.DOCUMENT_BACKLOG_BYTES,
    totalBacklogBytes: config.TOTAL_BACKLOG_BYTES,
    onReceived: told.metrics.received,
    onStatement: told.metrics.statement,
    onCommitted: (address, settled) => {
      told.upkeep.committed(address, settled.rows, settled.bytes);
      told.metrics.committed(settled);
    },
    onFailed: told.onFailed,
  });

const openCollaboration = (
  options: NodeOptions,
  {
    metrics,
    ...parts
  }: Pick<Parts, "updateLog" | "upkeep" | "signIn" | "metrics"> & {
    gate: Omit<IntakeOptions, "logger">;
    onCall: SocketCalls;
  },
): Collaboration =>
  createCollaboration({
    ...parts,
    sql: options.storage.database.sql,
    logger: options.logger,
    onRefused: metrics.signInRefused,
    onCut: metrics.socketCut,
    onHookFailed: metrics.hookFailed,
  });

const openRightsWatch = (
  { config, storage, logger }: NodeOptions,
  { rights }: Collaboration,
): RightsWatch =>
  new RightsWatch({
    rights,
    connect: () => storage.database.connect(),
    everyMs: config.RIGHTS_CHECK_EVERY_MS,
    logger,
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
