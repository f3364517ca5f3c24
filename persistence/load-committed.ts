import type * as Y from "yjs";
import { ScriptoriumError } from "../schema/errors.ts";
import type { DocumentAddress } from "../schema/ids.ts";
import { errorCode, type SqlOrTransaction } from "./database.ts";
import { ensureParts, makeFirstContent } from "./documents.ts";
import { loadDocument, type Quarantine, type StoredDocument } from "./load-document.ts";
import { clearQuarantine, markQuarantined } from "./quarantine.ts";

type Address = Pick<DocumentAddress, "documentId" | "part">;

/**
 * Fills `doc` with the committed state, as `loadDocument` does. A document that another program inserted gets its
 * head rows and its first content now.
 * @throws ScriptoriumError `document_not_found`.
 */
export async function loadCommitted(
  sql: SqlOrTransaction,
  address: Address,
  doc: Y.Doc,
): Promise<StoredDocument> {
  try {
    const stored = await loadDocument(sql, address, doc);
    // Marked by an earlier load, whole now: whatever was wrong has been put right.
    if (stored.isMarked && stored.quarantine === null) await clearQuarantine(sql, address);
    if (stored.headSeq > 0 || !(await makeFirstContent(sql, address))) return stored;
  } catch (error) {
    if (errorCode(error) !== "document_not_found") throw error;
    await ensureParts(sql, address.documentId);
    await makeFirstContent(sql, address);
  }
  return loadDocument(sql, address, doc);
}

/**
 * The same for somebody who is about to write. Returns the seq it was read at, and how often it had been repaired.
 * @throws ScriptoriumError `document_not_found`; `document_quarantined` when it cannot be loaded whole.
 */
export async function loadToWrite(
  sql: SqlOrTransaction,
  address: Address,
  doc: Y.Doc,
): Promise<{ seq: number; repairs: number }> {
  const { headSeq, repairs, quarantine } = await loadCommitted(sql, address, doc);
  if (quarantine === null) return { seq: headSeq, repairs };
  await markQuarantined(sql, address, quarantine);
  throw quarantined(quarantine);
}

/**
 * The same for a thread whose caller holds the lock of the head row: nothing is noted there, or both would wait for each
 * other, which PostgreSQL cannot see.
 * @throws ScriptoriumError `document_not_found`, `document_quarantined`.
 */
export async function loadLocked(
  sql: SqlOrTransaction,
  address: Address,
  doc: Y.Doc,
): Promise<{ seq: number; repairs: number }> {
  const { headSeq, repairs, quarantine } = await loadDocument(sql, address, doc);
  if (quarantine === null) return { seq: headSeq, repairs };
  throw quarantined(quarantine);
}

const quarantined = ({ seq, reason }: Quarantine): ScriptoriumError =>
  new ScriptoriumError(
    "document_quarantined",
    `The document cannot be loaded past seq ${seq}: ${reason}`,
  );
