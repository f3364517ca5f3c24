import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "./database.ts";
import { exists } from "./embedded-binaries.ts";

/**
 * Makes a folder and those above it; one that is there already will do.
 * Not Node's `recursive`: where nothing can be made (`/proc/x`), Node 24 then tries for ever.
 * @throws the system's error, with its code.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errorCode(error) === "EEXIST" && (await stat(path)).isDirectory()) return;
    const parent = dirname(path);
    if (errorCode(error) !== "ENOENT" || (await exists(parent))) throw error;
    await makeFolder(parent);
    await makeFolder(path);
  }
}
