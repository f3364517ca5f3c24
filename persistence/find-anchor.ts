import * as Y from "yjs";
import type { Anchor } from "../schema/anchor.ts";
import type { AnchorRequest } from "../schema/api/discussions.ts";
import type { AnchorCandidate } from "../schema/api/common.ts";
import type { SqlOrTransaction } from "./database.ts";
import { loadToWrite } from "./load-committed.ts";

/** The words of a document that a thread is to be about. */
export type AnchorTask = { readonly documentId: string; readonly wanted: AnchorRequest };

/** Where they are, or where they could be. */
export type FoundAnchor =
  | { readonly anchor: Anchor }
  | { readonly candidates: readonly AnchorCandidate[] };

/**
 * Finds words in the committed text of a document.
 * @throws ScriptoriumError `anchor_not_found`, `document_not_found`, `document_quarantined`.
 */
export async function findAnchor(
  sql: SqlOrTransaction,
  { documentId, wanted }: AnchorTask,
): Promise<FoundAnchor> {
  const { anchorByQuote, createAnchor } = await import("../schema/anchor.ts");
  const doc = new Y.Doc({ gc: true });
  try {
    await loadToWrite(sql, { documentId, part: "content" }, doc);
    if ("quote" in wanted) return anchorByQuote(doc, wanted);
    return { anchor: createAnchor(doc, wanted) };
  } finally {
    doc.destroy();
  }
}
