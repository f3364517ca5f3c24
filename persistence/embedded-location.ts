import {
  access,
  chmod,
  constants,
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  stat,
} from "node:fs/promises";
import { join, resolve } from "node:path";
import { ScriptoriumError } from "../schema/errors.ts";
import { errorCode } from "./database.ts";
import type { Binaries } from "./embedded-binaries.ts";
import { blockedAt, isRoot, type RunAs, userName } from "./embedded-user.ts";
import { makeFolder } from "./make-folder.ts";

/**
 * Where a cluster lies when root runs the server in a folder that the user `postgres` cannot reach.
 * The data folder then holds a symbolic link to it.
 */
export const SYSTEM_DIR = "/var/lib/scriptorium";

/** The name of the cluster, or of the link to it, inside the data folder. */
export const CLUSTER_NAME = "postgres";

/**
 * Makes the data folder if need be and answers with its real path.
 * @throws ScriptoriumError `bad_configuration` when it is no folder or this user may not write in it.
 */
export async function openDataDir(dataDir: string): Promise<string> {
  const path = resolve(dataDir);
  try {
    await makeFolder(path);
    // Enter and write: a folder that can only be listed would fail later and less clearly.
    await access(path, constants.W_OK | constants.X_OK);
    return await realpath(path);
  } catch (cause) {
    throw folderError(path, cause);
  }
}

/** The sentence for a folder that could not be made, entered or written. */
export function folderError(path: string, cause: unknown): ScriptoriumError {
  const code = errorCode(cause) ?? String(cause);
  switch (code) {
    case "EEXIST":
    case "ENOTDIR":
      return new ScriptoriumError(
        "bad_configuration",
        `The data folder ${path} is not a folder: a file is in its place`,
        { cause },
      );
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new ScriptoriumError(
        "bad_configuration",
        `The user ${userName()} may not write in the data folder ${path} (${code})`,
        { cause },
      );
    default:
      return new ScriptoriumError(
        "storage_unavailable",
        `The data folder ${path} cannot be used (${code})`,
        { cause },
      );
  }
}

/**
 * The real path of the cluster that belongs to a data folder, or null when there is none yet.
 * @throws ScriptoriumError `bad_configuration` when something else is in its place.
 */
export async function findCluster(folder: string): Promise<string | null> {
  const path = join(folder, CLUSTER_NAME);
  const facts = await lstat(path).catch(absent);
  if (facts === null) return null;
  const cluster = await realpath(path).catch(absent);
  if (cluster === null) {
    throw new ScriptoriumError(
      "bad_configuration",
      `${path} points to a database folder that is gone; bring it back, or remove the link to start with an empty database`,
    );
  }
  const target = await stat(cluster);
  if (!target.isDirectory()) {
    throw new ScriptoriumError(
      "bad_configuration",
      `${cluster} is a file where the database folder belongs`,
    );
  }
  await checkOwner(cluster, target.uid);
  return (await readdir(cluster)).length === 0 ? null : cluster;
}

/** An ordinary user can only run a cluster of his own. Told before anything is read, because it is closed to others. */
async function checkOwner(cluster: string, owner: number): Promise<void> {
  const self = process.getuid?.();
  if (self === undefined || self === owner) return;
  if (isRoot()) return;
  throw new ScriptoriumError(
    "bad_configuration",
    `The database folder ${cluster} belongs to uid ${owner}, not to ${userName()}; start as the user who made it`,
  );
}

/**
 * Refuses a cluster that these binaries cannot run. Reads only.
 * @throws ScriptoriumError `bad_configuration`
 */
export async function checkVersion(cluster: string, binaries: Binaries): Promise<void> {
  const text = await readFile(join(cluster, "PG_VERSION"), "utf8").catch(absent);
  if (text === null) {
    throw new ScriptoriumError(
      "bad_configuration",
      `${cluster} is not a PostgreSQL data folder; move what is in it away`,
    );
  }
  const found = text.trim();
  if (found === String(binaries.major)) return;
  throw new ScriptoriumError(
    "bad_configuration",
    `The database in ${cluster} was made by PostgreSQL ${found} and this server carries ${binaries.major}; convert it with pg_upgrade or dump and restore, or set DATABASE_URL to a PostgreSQL ${found}`,
  );
}

/**
 * Whom an existing cluster runs as: its owner when we are root, else ourselves.
 * @throws ScriptoriumError `bad_configuration` when root holds it where its owner cannot go.
 */
export async function ownerOf(cluster: string): Promise<RunAs> {
  if (!isRoot()) return null;
  const { uid, gid } = await stat(cluster);
  if (uid === 0) {
    throw new ScriptoriumError(
      "bad_configuration",
      `The database folder ${cluster} belongs to root, as whom PostgreSQL refuses to run; chown it to the user postgres`,
    );
  }
  const blocked = await blockedAt(cluster, { uid, gid });
  if (blocked === null) return { uid, gid };
  throw new ScriptoriumError(
    "bad_configuration",
    `PostgreSQL runs as uid ${uid}, which may not enter ${blocked} on the way to its folder ${cluster}; open it with chmod o+x ${blocked}`,
  );
}

/** Where a new cluster goes: the data folder itself, or `systemDir` when `runAs` cannot reach the data folder. */
export async function homeForNew(folder: string, runAs: RunAs, systemDir: string): Promise<string> {
  if (runAs === null) return folder;
  // Entering is enough for the cluster; asking for read as well errs on the side that works.
  if ((await blockedAt(folder, runAs)) === null) return folder;
  try {
    await mkdir(systemDir, { recursive: true, mode: 0o755 });
    // An umask of 077 applies to mkdir and would close it again.
    await chmod(systemDir, 0o755);
  } catch (cause) {
    throw new ScriptoriumError(
      "bad_configuration",
      `PostgreSQL runs as uid ${runAs.uid}, which cannot reach ${folder}, and ${systemDir} cannot be made (${errorCode(cause) ?? String(cause)}); use a data folder that every user may enter`,
      { cause },
    );
  }
  return systemDir;
}

/** Turns "there is no such file" into null and lets every other error through. */
export function absent(error: unknown): null {
  if (errorCode(error) === "ENOENT") return null;
  throw error;
}
