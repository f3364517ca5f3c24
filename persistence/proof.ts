import { isDeepStrictEqual } from "node:util";
import * as Y from "yjs";
import { DIAGRAM, FRAGMENT, THREADS } from "../schema/document-schema.ts";
import { hasPending } from "./load-document.ts";

/**
 * Compares two documents that must be the same: state vector, delete set and the JSON of the known roots [C2].
 * Returns what differs, in words for a person; null when they are equal.
 */
export function difference(one: Y.Doc, other: Y.Doc): string | null {
  if (hasPending(one) || hasPending(other)) return "an update waits for one that is missing";
  if (Buffer.compare(Y.encodeStateVector(one), Y.encodeStateVector(other)) !== 0) {
    return "state vectors differ";
  }
  // A snapshot is the state vector and the delete set, and nothing else.
  if (!Y.equalSnapshots(Y.snapshot(one), Y.snapshot(other))) return "delete sets differ";
  if (!isDeepStrictEqual(rootsToJson(one), rootsToJson(other))) return "document JSON differs";
  return null;
}

/** The document as plain JSON, one member for each root that DESIGN 2 names. */
const rootsToJson = (doc: Y.Doc): Record<string, unknown> => ({
  [FRAGMENT]: doc.getXmlFragment(FRAGMENT).toJSON(),
  [DIAGRAM]: doc.getText(DIAGRAM).toJSON(),
  [THREADS]: doc.getMap(THREADS).toJSON(),
});
