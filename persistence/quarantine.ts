import type { DocumentAddress } from "../schema/ids.ts";
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
