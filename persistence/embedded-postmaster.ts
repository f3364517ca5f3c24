import { readFile, readlink, realpath } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ScriptoriumError } from "../schema/errors.ts";
import { errorCode } from "./database.ts";
import { type Address, releaseAddress } from "./embedded-address.ts";
import { programPath } from "./embedded-binaries.ts";
import type { Cluster } from "./embedded-cluster.ts";
import { absent } from "./embedded-location.ts";
import { runProgram } from "./embedded-user.ts";

/** What `postmaster.pid` says. PostgreSQL writes it line by line, so late lines may be missing. */
export type PidFile = {
  readonly text: string;
  readonly pid: number;
  readonly address: Address | null;
  readonly status: string;
};

/**
 * The state of a cluster's postmaster.
 *
 * | state | postmaster.pid | its process | who may leave this state |
 * | --- | --- | --- | --- |
 * | absent | none, or of a dead process | – | whoever starts it |
 * | reused | names a live process that is something else | not ours | whoever removes the file |
 * | foreign | names no process we see, yet its socket answers | in another container | nobody here |
 * | changing | starting, stopping, or not yet telling | ours | the postmaster itself |
 * | ready | ready | ours | whoever stops it |
 */
export type PostmasterState =
  | { readonly kind: "absent" }
  | { readonly kind: "reused"; readonly file: PidFile }
  | { readonly kind: "foreign"; readonly file: PidFile }
  | { readonly kind: "changing"; readonly file: PidFile }
  | { readonly kind: "ready"; readonly file: PidFile; readonly address: Address };

/** Reads what a postmaster of this cluster is doing, whoever started it. Changes nothing. */
export async function inspectPostmaster(cluster: Cluster): Promise<PostmasterState> {
  const file = await readPidFile(cluster.path);
  if (file === null) return { kind: "absent" };
  if (await isPostmaster(file.pid, cluster.path)) {
    if (file.address === null || file.status !== "ready") return { kind: "changing", file };
    return { kind: "ready", file, address: file.address };
  }
  if (file.address !== null && (await answers(file.address))) return { kind: "foreign", file };
  return isAlive(file.pid) ? { kind: "reused", file } : { kind: "absent" };
}

/** The pid file of a cluster, or null when there is none or its first line is not written yet. */
export async function readPidFile(path: string): Promise<PidFile | null> {
  const text = await readFile(join(path, "postmaster.pid"), "utf8").catch(absent);
  if (text === null) return null;
  const lines = text.split("\n").map((line) => line.trim());
  const pid = Math.abs(Number(lines[0]));
  if (!Number.isInteger(pid) || pid === 0) return null;
  const port = Number(lines[3] ?? "");
  const host = lines[4] !== undefined && lines[4] !== "" ? lines[4] : (lines[5] ?? "");
  const address = port > 0 && host !== "" ? { host, port } : null;
  return { text, pid, address, status: lines[7] ?? "" };
}

/** True when a process of this number exists, whoever it belongs to. A zombie counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}

/**
 * True when `pid` is a PostgreSQL that runs this cluster: numbers are reused, and signals must not hit a stranger.
 * The command line decides, because a root without CAP_SYS_PTRACE (a container) may not read another user's `cwd`.
 */
export async function isPostmaster(pid: number, path: string): Promise<boolean> {
  if (pid <= 0 || !isAlive(pid)) return false;
  if (process.platform === "win32") return true;
  const command = await commandLine(pid);
  if (!/(^|\/)postgres(\0| |$)/u.test(command)) return false;
  if (command.split(/\0/u).includes(path) || command.includes(` ${path} `)) return true;
  // Started by hand through another spelling of the path: PostgreSQL works inside its data folder.
  return (await workingFolder(pid)) === path;
}

/** The arguments with zeros between them on Linux (empty for a zombie), with blanks elsewhere. */
async function commandLine(pid: number): Promise<string> {
  if (process.platform === "linux") {
    return readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  }
  const args = ["-ww", "-p", String(pid), "-o", "command="];
  const { output } = await runProgram("ps", args, { runAs: null, timeoutMs: 10_000 });
  return output;
}

/** Where a process works, or null where the system does not tell us. */
export async function workingFolder(pid: number): Promise<string | null> {
  try {
    return await realpath(await readlink(`/proc/${pid}/cwd`));
  } catch {
    return null;
  }
}

/** True when somebody accepts connections there. Children of a dead postmaster do not. */
async function answers(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const isSocket = address.host.startsWith("/");
    const path = join(address.host, `.s.PGSQL.${address.port}`);
    const probe = isSocket ? connect(path) : connect(address.port, address.host);
    const settle = (answered: boolean) => {
      probe.destroy();
      resolve(answered);
    };
    probe.once("connect", () => settle(isSocket));
    probe.once("error", () => settle(false));
    probe.setTimeout(1_000, () => settle(false));
  });
}

/**
 * Stops a running postmaster: fast (clients are cut, everything is flushed), then immediate (recovers at the next start).
 * @throws ScriptoriumError `storage_unavailable` when it outlives both.
 */
export async function stopPostmaster(cluster: Cluster, running: PidFile): Promise<void> {
  for (const mode of ["fast", "immediate"]) {
    if (!(await isPostmaster(running.pid, cluster.path))) break;
    const args = ["stop", "-D", cluster.path, "-m", mode, "-w", "-t", "10"];
    await runProgram(programPath(cluster.binaries, "pg_ctl"), args, {
      runAs: cluster.runAs,
      timeoutMs: 15_000,
    });
    // pg_ctl is content when the pid file is gone; the process takes a moment longer.
    await untilEnded(running.pid, cluster.path);
  }
  if (await isPostmaster(running.pid, cluster.path)) {
    throw new ScriptoriumError(
      "storage_unavailable",
      `PostgreSQL (pid ${running.pid}) does not stop; its folder is ${cluster.path}`,
    );
  }
  if (running.address !== null) await releaseAddress(running.address, cluster.path);
}

/** At most a second. */
async function untilEnded(pid: number, path: string): Promise<void> {
  const until = Date.now() + 1_000;
  while (Date.now() < until && (await isPostmaster(pid, path))) await delay(20);
}
