import { documentName, type DocumentAddress, type DocumentName, type Part } from "../schema/ids.ts";
import type { SqlOrTransaction } from "./database.ts";
import type { Quarantine } from "./load-document.ts";

/** Notes in the head row which row of the log cannot be applied, so that sweeps pass the document by. */
export async function markQuarantined(
  sql: SqlOrTransaction,
  { documentId, part }: Pick<DocumentAddress, "documentId" | "part">,
  { seq, reason }: Quarantine,
): Promise<void> {
  await sql`
    update yjs_documents set quarantined_seq = ${seq}, quarantine_reason = ${reason}
    where document_id = ${documentId} and part = ${part}`;
}

/** Takes the mark away: the document was loaded whole. Until then commands refuse it, and sweeps pass it by. */
export async function clearQuarantine(
  sql: SqlOrTransaction,
  { documentId, part }: Pick<DocumentAddress, "documentId" | "part">,
): Promise<void> {
  await sql`
    update yjs_documents set quarantined_seq = null, quarantine_reason = null
    where document_id = ${documentId} and part = ${part}`;
}

/** The ids of documents of which a part is marked. */
export async function listQuarantined(sql: SqlOrTransaction): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select distinct document_id as id from yjs_documents where quarantined_seq is not null`;
  return rows.map(({ id }) => id);
}

/** Which of these are not marked any more, by name. */
export async function listMended(
  sql: SqlOrTransaction,
  addresses: readonly Pick<DocumentAddress, "documentId" | "part">[],
): Promise<DocumentName[]> {
  const rows = await sql<{ documentId: string; part: Part }[]>`
    select document_id as "documentId", part
    from yjs_documents join unnest(${addresses.map((each) => each.documentId)}::uuid[],
                                   ${addresses.map((each) => each.part)}::text[]) as asked(document_id, part)
         using (document_id, part)
    where quarantined_seq is null`;
  return rows.map(({ documentId, part }) => documentName(documentId, part));
}
