import { readdirSync, readFileSync } from "node:fs";

const CRASHERS = new URL("../fuzz/crashers/", import.meta.url);

/** The names of all that `test/fuzz/crashers` holds. */
export const crashers = (): string[] =>
  readdirSync(CRASHERS).map((file) => file.replace(/\.json$/u, ""));

/** An update that broke a promise once, and what was in the document then. */
export function crasher(name: string): { state: Uint8Array; update: Uint8Array } {
  const file = readFileSync(new URL(`${name}.json`, CRASHERS), "utf8");
  const { state, update } = JSON.parse(file) as Record<string, string>;
  const bytes = (hex = ""): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
  return { state: bytes(state), update: bytes(update) };
}
