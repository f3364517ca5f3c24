import { readFileSync } from "node:fs";

/** An update that broke a promise once, by its name in `test/fuzz/crashers`, and what was in the document then. */
export function crasher(name: string): { state: Uint8Array; update: Uint8Array } {
  const url = new URL(`../fuzz/crashers/${name}.json`, import.meta.url);
  const { state, update } = JSON.parse(readFileSync(url, "utf8")) as Record<string, string>;
  return { state: Buffer.from(state ?? "", "hex"), update: Buffer.from(update ?? "", "hex") };
}
