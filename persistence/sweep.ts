import type { Part } from "../schema/ids.ts";
import type { Sql } from "./database.ts";

/** Documents whose columns or whose log are behind: what a crash, or an import without a server, left to do. */
export type DocumentsToSweep = {
  readonly toProject: readonly string[];
  readonly toCompact: readonly { readonly documentId: string; readonly part: Part }[];
};

/** Asks for the documents most behind; a document that is open is left to its own triggers by the caller. */
export async function documentsToSweep(
  sql: Sql,
  { minRows, limit }: { minRows: number; limit: number },
): Promise<DocumentsToSweep> {
  const toProject = await sql<{ document_id: string }[]>`
    select document_id from yjs_documents
    where projected_seq < head_seq and part = 'content' and quarantined_seq is null
    order by updated_at limit ${limit}`;
  const toCompact = await sql<{ document_id: string; part: Part }[]>`
    select document_id, part from yjs_documents
    where head_seq - state_seq >= ${minRows} and quarantined_seq is null
    order by head_seq - state_seq desc limit ${limit}`;
  return {
    toProject: toProject.map((row) => row.document_id),
    toCompact: toCompact.map((row) => ({ documentId: row.document_id, part: row.part })),
  };
}
