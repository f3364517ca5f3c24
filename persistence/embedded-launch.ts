import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants, link, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ScriptoriumError } from "../schema/errors.ts";
import { chooseAddress, type Transport } from "./embedded-address.ts";
import { programPath } from "./embedded-binaries.ts";
import type { Cluster } from "./embedded-cluster.ts";
import { absent, folderError } from "./embedded-location.ts";
import { isPostmaster, type PidFile, workingFolder } from "./embedded-postmaster.ts";
import { cannotRun, type RunAs, spawnOptions } from "./embedded-user.ts";

/** A postmaster we spawned. It may still fail, or find that another start was faster. */
export type Launch = {
  readonly pid: number;
  /** Null while it runs. */
  ended(): LaunchEnd | null;
};

/** Why a postmaster we spawned is no longer there. */
export type LaunchEnd = {
  /** The last line PostgreSQL wrote about it, without its timestamp. */
  readonly reason: string;
  /** True when waiting helps: somebody else holds the folder, the port or the shared memory for the moment. */
  readonly passing: boolean;
};

/** 1 MiB: a start is three lines. Looked at on each start, so at most two such files remain. */
const LOG_BYTES = 1_048_576;

/** Append, and never through a link: root also hands the file to the cluster's user. */
const LOG_FLAGS =
  constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NOFOLLOW;

/** Reasons that go away by themselves: another starter won, the children of a killed postmaster still leave, the port was taken. */
const PASSING =
  /lock file ".*" already exists|shared memory block .* in use|could not create any TCP\/IP sockets/u;

/** What the promise rests on and where it listens: not left to postgresql.conf, because the command line overrules it. */
const FIXED_SETTINGS = [
  "unix_socket_permissions=0700",
  "fsync=on",
  "full_page_writes=on",
  "synchronous_commit=on",
  "logging_collector=off",
  "log_destination=stderr",
];

/**
 * Starts a postmaster in a session of its own: a Ctrl-C in the terminal must not reach it before the server has drained.
 * Answers as soon as the process exists, long before it is ready.
 */
export async function launchPostmaster(options: {
  cluster: Cluster;
  folder: string;
  transport: Transport;
}): Promise<Launch> {
  const { cluster, folder, transport } = options;
  await awaitOrphans(cluster);
  const { host, port } = await chooseAddress({
    cluster: cluster.path,
    runAs: cluster.runAs,
    transport,
  });
  const listen =
    transport === "socket"
      ? ["listen_addresses=", `unix_socket_directories=${host}`]
      : [`listen_addresses=${host}`, "unix_socket_directories="];
  const settings = [...listen, `port=${port}`, ...FIXED_SETTINGS];
  const args = ["-D", cluster.path, ...settings.flatMap((setting) => ["-c", setting])];
  const logPath = join(folder, "postgres.log");
  const log = await openLog(logPath, cluster);
  try {
    const file = programPath(cluster.binaries, "postgres");
    const child = spawnDetached(file, args, cluster.runAs, log.handle.fd);
    return await watch(child, file, { path: logPath, from: log.size });
  } finally {
    await log.handle.close();
  }
}

function spawnDetached(file: string, args: string[], runAs: RunAs, logFd: number): ChildProcess {
  try {
    const stdio: ["ignore", number, number] = ["ignore", logFd, logFd];
    return spawn(file, args, { ...spawnOptions(runAs), detached: true, stdio });
  } catch (error) {
    throw cannotRun(file, error);
  }
}

async function watch(
  child: ChildProcess,
  file: string,
  log: { path: string; from: number },
): Promise<Launch> {
  let end: LaunchEnd | null = null;
  child.once("exit", (exitCode, signal) => {
    const fallback = `exit code ${exitCode ?? "none"}, signal ${signal ?? "none"}`;
    readReason(log).then(
      (reason) => {
        // Ended in order: another process adopted it and left before we could join.
        const passing = exitCode === 0 || PASSING.test(reason ?? "");
        end = { reason: reason ?? fallback, passing };
      },
      () => {
        end = { reason: fallback, passing: false };
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => reject(cannotRun(file, error)));
  });
  // It outlives us if we are killed, and must not keep us alive.
  child.unref();
  return { pid: child.pid ?? 0, ended: () => end };
}

async function openLog(path: string, cluster: Cluster) {
  const before = await stat(path).catch(absent);
  if (before !== null && before.size > LOG_BYTES) await rename(path, `${path}.1`);
  const handle = await open(path, LOG_FLAGS, 0o600).catch((cause: unknown) => {
    throw folderError(path, cause);
  });
  if (cluster.runAs !== null) await handle.chown(cluster.runAs.uid, cluster.runAs.gid);
  return { handle, size: (await handle.stat()).size };
}

/** The last complaint PostgreSQL wrote since `from`, else its last line, else null. */
async function readReason(log: { path: string; from: number }): Promise<string | null> {
  const bytes = await readFile(log.path);
  const lines = bytes.subarray(log.from).toString("utf8").split("\n");
  const said = lines.filter((line) => line.trim() !== "");
  const worst = said.findLast((line) => /\b(FATAL|PANIC):/u.test(line)) ?? said.at(-1);
  return worst?.replace(/^.*?\b(FATAL|PANIC|ERROR|LOG): +/u, "").trim() ?? null;
}

/**
 * Removes a `postmaster.pid` whose process number now belongs to something else; PostgreSQL itself would refuse to start.
 * Moved aside first and looked at again: had another starter written a new one meanwhile, it goes straight back.
 */
export async function removeReusedPidFile(cluster: Cluster, stale: PidFile): Promise<void> {
  const path = join(cluster.path, "postmaster.pid");
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  if ((await rename(path, aside).catch(absent)) === null) return;
  const moved = await readFile(aside, "utf8");
  const isFresh = moved !== stale.text;
  if (isFresh) await link(aside, path);
  await rm(aside);
  if (isFresh || stale.address?.host.startsWith("/") !== true) return;
  // The lock beside the socket names the same process and would be believed just the same.
  await rm(join(stale.address.host, `.s.PGSQL.${stale.address.port}.lock`), { force: true });
}

/**
 * Waits for the children of a postmaster that was killed; a new one must not run beside them.
 * They leave by themselves within moments, except in a long query. Where the system does not show them to us,
 * PostgreSQL's own guard (the shared memory block) refuses, and the start is tried again.
 */
async function awaitOrphans(cluster: Cluster): Promise<void> {
  const stages: [number, NodeJS.Signals | null][] = [
    [3_000, null],
    [3_000, "SIGQUIT"],
    [3_000, "SIGKILL"],
  ];
  for (const [waitMs, signal] of stages) {
    const until = Date.now() + waitMs;
    let orphans = await findOrphans(cluster);
    // Their postmaster is dead, so what they did is lost either way and recovery starts from the log.
    if (signal !== null) for (const pid of orphans) process.kill(pid, signal);
    while (orphans.length > 0 && Date.now() < until) {
      await delay(50);
      orphans = await findOrphans(cluster);
    }
    if (orphans.length === 0) return;
  }
  throw new ScriptoriumError(
    "storage_unavailable",
    `Processes of a PostgreSQL that was killed still run in ${cluster.path} and do not end`,
  );
}

async function findOrphans(cluster: Cluster): Promise<number[]> {
  if (process.platform !== "linux") return [];
  const numbers = (await readdir("/proc")).filter((name) => /^\d+$/u.test(name)).map(Number);
  const found: number[] = [];
  for (const pid of numbers) {
    // A child of PostgreSQL renames itself, "postgres: checkpointer"; a postmaster keeps its arguments.
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (!command.startsWith("postgres: ")) continue;
    if ((await workingFolder(pid)) !== cluster.path) continue;
    // Another starter may have been faster, and these are the children of a postmaster that lives.
    if (!(await isPostmaster(await parentOf(pid), cluster.path))) found.push(pid);
  }
  return found;
}

/** The fourth field of /proc/<pid>/stat; the second, a name in brackets, may contain blanks. Zero when it is gone. */
async function parentOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
}
