import * as Y from "yjs";
import type { DocumentAddress } from "../schema/ids.ts";
import type { SqlOrTransaction } from "./database.ts";
import { loadToWrite } from "./load-committed.ts";
import { mergeUpdates } from "./merge-updates.ts";

/** An update made on a fork of the committed state. It depends on nothing that is not in the log. */
export type BuiltUpdate = {
  /** Null: nothing was changed. */
  readonly update: Uint8Array | null;
  /** The seq of the state it was made on. */
  readonly seq: number;
  /** As in a batch: a repair meanwhile makes it worthless. */
  readonly repairs: number;
};

/**
 * Makes an update: loads the committed state and lets `change` write in it, under a Yjs client id of its own.
 * @throws ScriptoriumError `document_not_found`, `document_quarantined`; whatever `change` throws.
 */
export async function buildUpdate(
  sql: SqlOrTransaction,
  address: Pick<DocumentAddress, "documentId" | "part">,
  change: (doc: Y.Doc) => void,
): Promise<BuiltUpdate> {
  const doc = new Y.Doc({ gc: true });
  try {
    const loaded = await loadToWrite(sql, address, doc);
    return { ...loaded, update: updateOf(doc, change) };
  } finally {
    doc.destroy();
  }
}

/** The same for a document that is only being made. */
export function buildFirstUpdate(change: (doc: Y.Doc) => void): BuiltUpdate {
  const doc = new Y.Doc({ gc: true });
  try {
    return { seq: 0, repairs: 0, update: updateOf(doc, change) };
  } finally {
    doc.destroy();
  }
}

function updateOf(doc: Y.Doc, change: (doc: Y.Doc) => void): Uint8Array | null {
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  doc.transact(() => change(doc));
  return updates.length === 0 ? null : mergeUpdates(updates);
}
