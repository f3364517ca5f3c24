import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { userInfo } from "node:os";
import { ScriptoriumError } from "../schema/errors.ts";
import { errorCode } from "./database.ts";

/** An OS user that PostgreSQL's programs run as. */
export type OsUser = { readonly uid: number; readonly gid: number };

/** Null: as ourselves. PostgreSQL refuses root, so root has to name somebody else. */
export type RunAs = OsUser | null;

/** What a program said and how it ended; `output` is stdout and stderr in one. */
export type ProgramResult = { readonly exitCode: number; readonly output: string };

/** A folder every user can enter: libuv changes into `cwd` while it is still root, the program must live there as somebody else. */
const NEUTRAL_FOLDER = process.platform === "win32" ? process.cwd() : "/";

/**
 * What PostgreSQL's programs see of the environment: nothing of ours.
 * PGDATA, PGPORT or a locale that is not installed would change what they do, and they have no business with our secrets.
 */
const PROGRAM_ENVIRONMENT = { LC_ALL: "C", PATH: "/usr/bin:/bin:/usr/sbin:/sbin" } as const;

/** Options every spawn of this family shares. Windows needs its own environment to load libraries. */
export function spawnOptions(runAs: RunAs): {
  cwd: string;
  uid?: number;
  gid?: number;
  env?: Record<string, string>;
} {
  return {
    cwd: NEUTRAL_FOLDER,
    ...(runAs === null ? {} : { uid: runAs.uid, gid: runAs.gid }),
    ...(process.platform === "win32" ? {} : { env: { ...PROGRAM_ENVIRONMENT } }),
  };
}

/**
 * Runs a program to its end and reports its exit code, whatever that is.
 * @throws ScriptoriumError `bad_configuration` when this system cannot run it at all, `storage_unavailable` past the time limit.
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: { runAs: RunAs; timeoutMs: number },
): Promise<ProgramResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ProgramResult>();
  const limits = { timeout: options.timeoutMs, killSignal: "SIGKILL" as const };
  try {
    execFile(file, [...args], { ...spawnOptions(options.runAs), ...limits }, (error, out, err) => {
      const output = `${out}${err}`;
      if (error === null) resolve({ exitCode: 0, output });
      else if (typeof error.code === "number") resolve({ exitCode: error.code, output });
      else reject(cannotRun(file, error));
    });
  } catch (error) {
    // Node reports a missing program later, but a refused change of user at once.
    throw cannotRun(file, error);
  }
  return promise;
}

/** The sentence for a program that did not start, or that had to be killed. */
export function cannotRun(file: string, cause: unknown): ScriptoriumError {
  if (cause instanceof Error && "killed" in cause && cause.killed === true) {
    return new ScriptoriumError("storage_unavailable", `${file} took too long and was killed`, {
      cause,
    });
  }
  const code = errorCode(cause);
  const reason =
    code === "EPERM"
      ? "this process may not change to another user"
      : `the system answers ${code ?? String(cause)}`;
  return new ScriptoriumError(
    "bad_configuration",
    `The embedded PostgreSQL cannot run here (${file}: ${reason}); set DATABASE_URL to a PostgreSQL of your own`,
    { cause },
  );
}

/** True when this process is root, and PostgreSQL therefore has to run as somebody else. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** How to name this process's user in a message. A container may run as a number without a name. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

/**
 * The OS user `postgres`, made when missing. Root only.
 * @throws ScriptoriumError `bad_configuration` when it is missing and cannot be made.
 */
export async function postgresUser(): Promise<OsUser> {
  const present = (await lookUp("postgres")) ?? (await lookUp("_postgres"));
  if (present !== null) return present;
  const reason = await createPostgresUser();
  // Another start may have made it a moment before us, so look again rather than believe the exit codes.
  const made = await lookUp("postgres");
  if (made !== null) return made;
  throw new ScriptoriumError(
    "bad_configuration",
    `PostgreSQL refuses to run as root and the user "postgres" could not be created (${reason}); create it, start as an ordinary user, or set DATABASE_URL`,
  );
}

async function lookUp(name: string): Promise<OsUser | null> {
  const [uid, gid] = await Promise.all(
    ["-u", "-g"].map((flag) => runProgram("id", [flag, name], { runAs: null, timeoutMs: 10_000 })),
  );
  if (uid?.exitCode !== 0 || gid?.exitCode !== 0) return null;
  return { uid: Number(uid.output.trim()), gid: Number(gid.output.trim()) };
}

/** Shadow's tools, else BusyBox's (Alpine). Answers with the last complaint. */
async function createPostgresUser(): Promise<string> {
  const commands: [string, ...string[]][] = [
    ["groupadd", "--system", "postgres"],
    ["useradd", "--system", "--gid", "postgres", "--no-create-home", "postgres"],
    ["addgroup", "-S", "postgres"],
    ["adduser", "-S", "-D", "-H", "-G", "postgres", "postgres"],
  ];
  let complaint = "no useradd or adduser";
  for (const [program, ...args] of commands) {
    if ((await lookUp("postgres")) !== null) break;
    const result = await runProgram(program, args, { runAs: null, timeoutMs: 10_000 }).catch(
      (): ProgramResult => ({ exitCode: 127, output: "" }),
    );
    if (result.exitCode !== 0 && result.output.trim() !== "") complaint = result.output.trim();
  }
  return complaint;
}

/**
 * The first folder on the way to `path` that this user may not enter, or null when the way is open.
 * `path` itself must be readable too, and enterable if it is a folder. Looks at mode bits only, not at access lists.
 */
export async function blockedAt(path: string, user: OsUser): Promise<string | null> {
  const way = [path];
  while (dirname(way[0] ?? "/") !== way[0]) way.unshift(dirname(way[0] ?? "/"));
  for (const step of way) {
    const facts = await stat(step);
    const readToo = step === path ? 4 : 0;
    const needed = (facts.isDirectory() ? 1 : 0) | readToo;
    if ((permissions(facts, user) & needed) !== needed) return step;
  }
  return null;
}

/** The rwx bits that apply. Only the first group counts: libuv drops the others when it changes user. */
function permissions(facts: { mode: number; uid: number; gid: number }, user: OsUser): number {
  if (facts.uid === user.uid) return (facts.mode >> 6) & 7;
  if (facts.gid === user.gid) return (facts.mode >> 3) & 7;
  return facts.mode & 7;
}
