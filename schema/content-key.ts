import type { JSONContent } from "@tiptap/core";
import { toBase64UrlEncoded } from "lib0/buffer";
import { digest } from "lib0/hash/sha256";
import { isRecord } from "./content-node.ts";

/**
 * Content as text that is the same for content that says the same: without ids, and with keys in one order, of which
 * JSON, Yjs and jsonb each have another. Of content that fits the schema, where a default is written out.
 */
export const contentKey = (content: JSONContent | readonly JSONContent[]): string =>
  JSON.stringify(content, saying);

/** The same in short: 22 characters of a SHA-256 in base64url. */
export const contentHash = (content: JSONContent | readonly JSONContent[]): string =>
  toBase64UrlEncoded(digest(new TextEncoder().encode(contentKey(content)))).slice(0, 22);

function saying(key: string, value: unknown): unknown {
  if (!isRecord(value)) return value;
  const isAttributes = key === "attrs";
  const said = Object.entries(value)
    .filter(([name, each]) => each !== null && !(isAttributes && name === "id"))
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  return isAttributes && said.length === 0 ? undefined : Object.fromEntries(said);
}
