import { ScriptoriumError } from "../schema/errors.ts";
import type { SqlOrTransaction } from "./database.ts";

/**
 * The last committed position of a document's text; 0 for a document that another program has just inserted.
 * @throws ScriptoriumError `document_not_found`; `document_quarantined` when the document cannot be loaded whole.
 */
export async function readHeadSeq(sql: SqlOrTransaction, documentId: string): Promise<number> {
  const [row] = await sql<{ headSeq: number; quarantinedSeq: number | null }[]>`
    select coalesce(y.head_seq, 0)::float8 as "headSeq", y.quarantined_seq::float8 as "quarantinedSeq"
    from documents d left join yjs_documents y on y.document_id = d.id and y.part = 'content'
    where d.id = ${documentId} and d.deleted_at is null`;
  if (row === undefined) {
    throw new ScriptoriumError("document_not_found", "There is no such document");
  }
  if (row.quarantinedSeq === null) return row.headSeq;
  throw new ScriptoriumError(
    "document_quarantined",
    `The document cannot be loaded past seq ${row.quarantinedSeq}; see admin verify`,
  );
}

/** The head of a part that is about to be written. */
export type WritableHead = { readonly headSeq: number };

/**
 * Locks a part's head row, so that nothing is appended to it by others before the transaction ends. An UPDATE and not
 * a SELECT FOR NO KEY UPDATE: while that waits for a newer version of the row it keeps the lock on the older one, which
 * the log's statement asks for while it holds the newer: a deadlock (PostgreSQL 18, seen beside ten typists).
 * @throws ScriptoriumError `document_not_found`, for a deleted document too; `document_quarantined`.
 */
export async function lockHead(
  tx: SqlOrTransaction,
  { documentId, part }: { documentId: string; part: string },
): Promise<WritableHead> {
  const [row] = await tx<{ headSeq: number; quarantinedSeq: number | null; isDeleted: boolean }[]>`
    update yjs_documents y set updated_at = now() from documents d
    where y.document_id = ${documentId} and y.part = ${part} and d.id = y.document_id
    returning y.head_seq::float8 as "headSeq", y.quarantined_seq::float8 as "quarantinedSeq",
              d.deleted_at is not null as "isDeleted"`;
  if (row === undefined || row.isDeleted) {
    throw new ScriptoriumError("document_not_found", "There is no such document");
  }
  if (row.quarantinedSeq === null) return { headSeq: row.headSeq };
  throw new ScriptoriumError(
    "document_quarantined",
    `The document cannot be loaded past seq ${row.quarantinedSeq}; it takes no edits`,
  );
}
