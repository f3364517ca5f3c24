import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A file of this repository: its path from the root with forward slashes, and its text. */
export type SourceFile = { path: string; text: string };

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Made by tools or by npm, never by hand. */
const GENERATED = [/(^|\/)node_modules\//u, /(^|\/)dist\//u, /^schema\/migrations\//u];

/** Reads every file under a folder whose name ends in one of the extensions; none if there is no such folder yet. */
export function readSources(folder: string, extensions: readonly string[]): SourceFile[] {
  if (!existsSync(ROOT + folder)) return [];
  return readdirSync(ROOT + folder, { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((path) => extensions.some((extension) => path.endsWith(extension)))
    .filter((path) => !GENERATED.some((pattern) => pattern.test(path)))
    .toSorted()
    .map((path) => ({ path, text: readFileSync(ROOT + path, "utf8") }));
}

/** Reads the files that lie in the root itself and whose name ends in one of the extensions. */
export function readRootSources(extensions: readonly string[]): SourceFile[] {
  return readdirSync(ROOT)
    .filter((name) => extensions.some((extension) => name.endsWith(extension)))
    .toSorted()
    .map((path) => ({ path, text: readFileSync(ROOT + path, "utf8") }));
}

/** The text of one file, or undefined if it does not exist. */
export function readIfPresent(path: string): string | undefined {
  return existsSync(ROOT + path) ? readFileSync(ROOT + path, "utf8") : undefined;
}
