import { createHash, randomBytes } from "node:crypto";
import {
  lchown,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ScriptoriumError } from "../schema/errors.ts";
import { errorCode } from "./database.ts";
import { type Transport, PASSWORD_FILE } from "./embedded-address.ts";
import { type Binaries, findBinaries, programPath } from "./embedded-binaries.ts";
import {
  absent,
  checkVersion,
  CLUSTER_NAME,
  findCluster,
  homeForNew,
  ownerOf,
} from "./embedded-location.ts";
import { isRoot, postgresUser, type RunAs, runProgram } from "./embedded-user.ts";

/** A PostgreSQL data folder, whom it runs as, and the programs that run it. */
export type Cluster = {
  readonly path: string;
  readonly runAs: RunAs;
  readonly binaries: Binaries;
};

/** The superuser of the cluster, and the name of the database in it. */
export const CLUSTER_USER = "scriptorium";

/** UTF-8 by PostgreSQL's own rules: the same order on every machine, whatever locales it has. */
const INITDB_ARGUMENTS = [
  `--username=${CLUSTER_USER}`,
  "--encoding=UTF8",
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
  "--data-checksums",
];

/** 120 s: initdb takes half a second here, and a minute on a slow network disk. */
const INITDB_TIMEOUT_MS = 120_000;

/** 10 min: far beyond any initdb that still runs; what is older was left by one that was killed. */
const ABANDONED_MS = 600_000;

/**
 * Written into postgresql.conf, where an administrator may change them.
 * What the promise of the server rests on (fsync and its kin) is given on the command line instead.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  max_connections: "100",
  shared_buffers: "128MB",
  timezone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "%m [%p] ",
  // The log says what happens to the server. Statements and their errors carry users' words, and their senders hear of them.
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_checkpoints: "off",
};

/**
 * The cluster of a data folder; made when there is none.
 * Maintained invariant: `<folder>/postgres` is absent or whole, whenever this is killed and however many run at once.
 */
export async function ensureCluster(options: {
  folder: string;
  systemDir: string;
  transport: Transport;
}): Promise<Cluster> {
  const { folder, systemDir, transport } = options;
  const found = await findCluster(folder);
  if (found !== null) {
    const runAs = await ownerOf(found);
    const binaries = await findBinaries(runAs, systemDir);
    await checkVersion(found, binaries);
    return { path: found, runAs, binaries };
  }
  const runAs = isRoot() ? await postgresUser() : null;
  const home = await homeForNew(folder, runAs, systemDir);
  const binaries = await findBinaries(runAs, systemDir);
  await removeAbandoned(home);
  const made = join(home, `.postgres-${randomBytes(6).toString("hex")}`);
  try {
    await initialize({ path: made, runAs, binaries }, transport);
    await (home === folder ? moveInto(folder, made) : linkFrom(folder, made));
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    throw error;
  }
  const path = await findCluster(folder);
  if (path === null) throw new ScriptoriumError("internal", `No cluster in ${folder} after initdb`);
  return { path, runAs, binaries };
}

async function initialize(cluster: Cluster, transport: Transport): Promise<void> {
  const { path, runAs, binaries } = cluster;
  await mkdir(path, { mode: 0o700 });
  if (runAs !== null) await lchown(path, runAs.uid, runAs.gid);
  // initdb wants an empty folder, so the password waits beside it and moves in afterwards.
  const password = transport === "tcp" ? await writePassword(`${path}.password`, runAs) : null;
  // A socket lies in a folder of mode 0700, which is its lock; a TCP port is open to every user of the machine.
  const access =
    password === null
      ? ["--auth-local=trust", "--auth-host=reject"]
      : ["--auth=scram-sha-256", `--pwfile=${password}`];
  const settings = Object.entries(SETTINGS).map(([name, value]) => `--set=${name}=${value}`);
  const args = [`--pgdata=${path}`, ...INITDB_ARGUMENTS, ...access, ...settings];
  try {
    const program = programPath(binaries, "initdb");
    const { exitCode, output } = await runProgram(program, args, {
      runAs,
      timeoutMs: INITDB_TIMEOUT_MS,
    });
    if (exitCode !== 0) throw initializationError(path, output);
    if (password !== null) await rename(password, join(path, PASSWORD_FILE));
  } finally {
    if (password !== null) await rm(password, { force: true });
  }
}

function initializationError(path: string, output: string): ScriptoriumError {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const reason = lines.find((line) => /error|fatal|panic/iu.test(line)) ?? lines.at(-1);
  return new ScriptoriumError(
    "storage_unavailable",
    `The database could not be created in ${dirname(path)}: ${reason?.trim() ?? "initdb said nothing"}`,
  );
}

async function writePassword(path: string, runAs: RunAs): Promise<string> {
  await writeFile(path, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  if (runAs !== null) await lchown(path, runAs.uid, runAs.gid);
  return path;
}

/** The rename decides who made the cluster; who comes second throws his away. */
async function moveInto(folder: string, made: string): Promise<void> {
  try {
    await rename(made, join(folder, CLUSTER_NAME));
    await syncFolder(folder);
  } catch (error) {
    await discardIfSecond(folder, made, error);
  }
}

/** The same when the cluster cannot lie in the data folder: here the link decides. */
async function linkFrom(folder: string, made: string): Promise<void> {
  // Not the hash alone: whoever removed a data folder and makes it again expects an empty database.
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const suffix = basename(made).slice(-12);
  const cluster = join(dirname(made), `${hash}-${suffix}`);
  const link = join(folder, CLUSTER_NAME);
  await rename(made, cluster);
  try {
    await rmdir(link).catch(absent);
    await symlink(cluster, link);
    await syncFolder(dirname(made));
    await syncFolder(folder);
  } catch (error) {
    await discardIfSecond(folder, cluster, error);
  }
}

async function discardIfSecond(folder: string, made: string, error: unknown): Promise<void> {
  await rm(made, { recursive: true, force: true });
  // Windows answers EPERM where others say that the target exists.
  const taken = ["EEXIST", "ENOTEMPTY", "ENOTDIR", "EPERM"].includes(errorCode(error) ?? "");
  if (!taken || (await findCluster(folder)) === null) throw error;
}

/** Without it a power cut could take back the rename, and with it every edit acknowledged since. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what a killed first start left half-made. */
async function removeAbandoned(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (!/^\.postgres-[0-9a-f]{12}(\.password)?$/u.test(name)) continue;
    const facts = await stat(join(home, name)).catch(absent);
    if (facts === null || Date.now() - facts.mtimeMs < ABANDONED_MS) continue;
    await rm(join(home, name), { recursive: true, force: true });
  }
}
