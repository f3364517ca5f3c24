import { spawn } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

const BUILT = "editor/dist/index.html";

/** What the page is made of. */
const SOURCES = ["editor", "client", "schema", "vite.config.ts", "package-lock.json"];

/** Builds the page as `npm run build` does, if it is missing or older than what it is made of. */
export async function buildPageIfStale(): Promise<void> {
  const builtMs = await modifiedMs(BUILT);
  const changedMs = await Promise.all(SOURCES.map(newestMs));
  if (Math.max(...changedMs) < builtMs) return;
  // A process of its own: in vitest's, NODE_ENV says that this is a test.
  const env = { ...process.env, NODE_ENV: "production" };
  const vite = spawn(process.execPath, ["node_modules/vite/bin/vite.js", "build"], {
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const code = await new Promise<number | null>((ended) => vite.once("close", ended));
  if (code !== 0) throw new Error(`The page cannot be built: vite build ended with ${code}`);
}

/** When something in this file or folder last changed; of what is built nothing counts. */
async function newestMs(path: string): Promise<number> {
  if (path === "editor/dist") return 0;
  const self = await stat(path);
  if (!self.isDirectory()) return self.mtimeMs;
  const names = await readdir(path);
  const inside = await Promise.all(names.map((name) => newestMs(join(path, name))));
  // Not the folder itself: building changes it.
  return Math.max(0, ...inside);
}

/** 0 for a file that is not there. */
const modifiedMs = async (path: string): Promise<number> =>
  (await stat(path).catch(() => null))?.mtimeMs ?? 0;
