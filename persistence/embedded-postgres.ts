import { setTimeout as delay } from "node:timers/promises";
import { assertNever, ScriptoriumError } from "../schema/errors.ts";
import { errorCode, isUnavailable } from "./database.ts";
import type { Transport } from "./embedded-address.ts";
import { type Cluster, ensureCluster } from "./embedded-cluster.ts";
import { type Launch, launchPostmaster, removeReusedPidFile } from "./embedded-launch.ts";
import { openDataDir, SYSTEM_DIR } from "./embedded-location.ts";
import { inspectPostmaster, type PostmasterState, stopPostmaster } from "./embedded-postmaster.ts";
import {
  connectionTo,
  type EmbeddedConnection,
  joinCluster,
  type Presence,
} from "./embedded-presence.ts";

export type { EmbeddedConnection } from "./embedded-presence.ts";

/** A running PostgreSQL that lives in the data folder. */
export type EmbeddedPostgres = {
  /** For postgres.js, and a `DatabaseLocation`. Stays the same from start to start as long as it can. */
  readonly connection: EmbeddedConnection;
  /** False when one was found running: left by a server that was killed, or in use by another process. */
  readonly startedByUs: boolean;
  /**
   * Stops PostgreSQL, unless another process still uses it. Close your pools first. Idempotent.
   * @throws ScriptoriumError `storage_unavailable` when it does not stop.
   */
  close(): Promise<void>;
};

/** The two levels of pino that are used here. */
export type EmbeddedLogger = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
};

/** What `startEmbeddedPostgres()` takes; the folder is all it needs. */
export type EmbeddedOptions = {
  /** Made when missing. The cluster lies in its `postgres`, or that is a link to where it lies. */
  dataDir: string;
  logger?: EmbeddedLogger;
  /** How to listen; by default a unix socket where postgres.js knows them. Fixed when the cluster is made. */
  transport?: Transport;
  /** For root: where cluster and binaries go when the user `postgres` cannot reach them. */
  systemDir?: string;
};

/** 60 s: recovery after a kill reads at most max_wal_size, 1 GB. It goes on behind our back when we give up. */
const READY_MS = 60_000;

/** 20 ms: a start of an existing cluster takes about 60. */
const POLL_MS = 20;

const TOO_MANY_CONNECTIONS = "53300";

type Joined = {
  readonly presence: Presence;
  readonly connection: EmbeddedConnection;
  readonly pid: number;
  readonly startedByUs: boolean;
};

/**
 * Starts the PostgreSQL of a data folder, or takes over one that runs there already.
 * It runs in a session of its own and survives this process; `close()` of the last process that uses it stops it.
 * @throws ScriptoriumError `bad_configuration` when somebody has to put something right (the sentence says what),
 *   `storage_unavailable` when PostgreSQL fails or does not become ready in time. Nothing on disk is damaged either way.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const transport = options.transport ?? (process.platform === "win32" ? "tcp" : "socket");
  const folder = await openDataDir(options.dataDir);
  const systemDir = options.systemDir ?? SYSTEM_DIR;
  const cluster = await ensureCluster({ folder, systemDir, transport });
  const joined = await joinOrLaunch({ cluster, folder, transport });
  const { pid, startedByUs } = joined;
  const fields = { postmasterPid: pid, cluster: cluster.path };
  options.logger?.info(fields, startedByUs ? "postgresql started" : "running postgresql adopted");
  let closed: Promise<void> | null = null;
  const close = async () => {
    closed ??= leaveCluster(cluster, joined.presence, options.logger);
    await closed;
  };
  return { connection: joined.connection, startedByUs, close };
}

async function joinOrLaunch(place: {
  cluster: Cluster;
  folder: string;
  transport: Transport;
}): Promise<Joined> {
  const { cluster } = place;
  const deadline = Date.now() + READY_MS;
  let launch: Launch | null = null;
  let obstacle = "it did not start";
  while (Date.now() < deadline) {
    const state = await inspectPostmaster(cluster);
    obstacle = describe(state) ?? obstacle;
    if (state.kind === "ready") {
      const joined = await join(cluster, state, launch);
      if (!(joined instanceof Error)) return joined;
      obstacle = joined.message;
    } else if (state.kind === "reused") {
      await removeReusedPidFile(cluster, state.file);
    } else if (state.kind === "absent") {
      const end: ReturnType<Launch["ended"]> = launch?.ended() ?? null;
      if (end !== null && !end.passing) throw startError(cluster, end.reason);
      obstacle = end?.reason ?? obstacle;
      if (launch === null || end !== null) launch = await launchPostmaster(place);
    }
    await delay(POLL_MS);
  }
  throw startError(cluster, `${obstacle}, and ${READY_MS / 1_000} s have passed`);
}

async function join(
  cluster: Cluster,
  state: Extract<PostmasterState, { kind: "ready" }>,
  launch: Launch | null,
): Promise<Joined | Error> {
  const { file, address } = state;
  const connection = await connectionTo(cluster, address);
  const presence = await joinCluster(connection);
  if (presence instanceof Error) return presence;
  return { presence, connection, pid: file.pid, startedByUs: launch?.pid === file.pid };
}

function describe(state: PostmasterState): string | null {
  switch (state.kind) {
    case "absent":
      return null;
    case "ready":
      return `its process ${state.file.pid} does not take connections`;
    case "changing":
      return `its process ${state.file.pid} says "${state.file.status}"`;
    case "reused":
      return `its postmaster.pid names the process ${state.file.pid}, which is something else`;
    case "foreign":
      return `its folder is in use by a PostgreSQL of another container`;
    default:
      return assertNever(state);
  }
}

function startError(cluster: Cluster, reason: string): ScriptoriumError {
  return new ScriptoriumError(
    "storage_unavailable",
    `PostgreSQL could not be started in ${cluster.path}: ${reason}`,
  );
}

async function leaveCluster(
  cluster: Cluster,
  presence: Presence,
  logger: EmbeddedLogger | undefined,
): Promise<void> {
  try {
    const needed = !(await isUnneeded(presence));
    // Looked up anew: it may have been killed and started again since we joined.
    const state = await inspectPostmaster(cluster);
    const isOurs = state.kind === "ready" || state.kind === "changing";
    const fields = { postmasterPid: isOurs ? state.file.pid : null, cluster: cluster.path };
    if (needed) logger?.info(fields, "postgresql left running for others");
    else if (isOurs) {
      await stopPostmaster(cluster, state.file);
      logger?.info(fields, "postgresql stopped");
    } else logger?.warn(fields, "postgresql was gone already");
  } finally {
    await presence.end();
  }
}

/** A PostgreSQL that cannot be reached serves nobody: it is stopped, or found to be gone. One that answers no is in use. */
async function isUnneeded(presence: Presence): Promise<boolean> {
  try {
    return await presence.leave();
  } catch (error) {
    if (isUnavailable(error)) return errorCode(error) !== TOO_MANY_CONNECTIONS;
    throw error;
  }
}
