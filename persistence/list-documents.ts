import { ScriptoriumError } from "../schema/errors.ts";
import type { Part } from "../schema/ids.ts";
import type { DocumentType } from "../schema/closed-sets.ts";
import { documentOf, note, type Actor } from "./activities.ts";
import type { SqlOrTransaction } from "./database.ts";

/** A document as a list shows it. */
export type ListedDocument = {
  readonly id: string;
  readonly organization: string;
  readonly project: string;
  readonly type: DocumentType;
  readonly slug: string;
  readonly title: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** One part of a document: where its log stands, and what is stored for it. Bytes as stored. */
export type PartReport = {
  readonly part: Part;
  readonly headSeq: number;
  readonly stateSeq: number;
  readonly projectedSeq: number;
  readonly stateBytes: number;
  readonly logRows: number;
  readonly logBytes: number;
  readonly historyRows: number;
  readonly historyBytes: number;
  readonly quarantinedSeq: number | null;
  readonly quarantineReason: string | null;
  readonly compactedAt: Date | null;
};

/** A document with all that is stored for it. */
export type DocumentReport = ListedDocument & {
  readonly deletedAt: Date | null;
  readonly versions: number;
  readonly versionBytes: number;
  readonly parts: readonly PartReport[];
};

/** Documents that are not deleted, by organization, project, type and slug; of one project when it is given. */
export async function listDocuments(
  sql: SqlOrTransaction,
  { projectId }: { projectId: string | null },
): Promise<ListedDocument[]> {
  return sql<ListedDocument[]>`
    select d.id, o.slug as organization, p.slug as project, d.type, d.slug, d.title,
           d.created_at as "createdAt", d.updated_at as "updatedAt"
    from documents d join projects p on p.id = d.project_id join organizations o on o.id = p.organization_id
    where d.deleted_at is null and (${projectId}::uuid is null or p.id = ${projectId}::uuid)
    order by o.slug, p.slug, d.type, d.slug`;
}

/**
 * Everything that is stored for one document, a deleted one too.
 * @throws ScriptoriumError `document_not_found`.
 */
export async function reportDocument(
  sql: SqlOrTransaction,
  documentId: string,
): Promise<DocumentReport> {
  const [row] = await sql<Omit<DocumentReport, "parts">[]>`
    select d.id, o.slug as organization, p.slug as project, d.type, d.slug, d.title,
           d.created_at as "createdAt", d.updated_at as "updatedAt", d.deleted_at as "deletedAt",
           (select count(*)::int from document_versions v where v.document_id = d.id) as versions,
           (select coalesce(sum(octet_length(v.state)), 0)::float8
            from document_versions v where v.document_id = d.id) as "versionBytes"
    from documents d join projects p on p.id = d.project_id join organizations o on o.id = p.organization_id
    where d.id = ${documentId}`;
  if (row === undefined) {
    throw new ScriptoriumError("document_not_found", `No document ${documentId}`);
  }
  return { ...row, parts: await reportParts(sql, documentId) };
}

async function reportParts(sql: SqlOrTransaction, documentId: string): Promise<PartReport[]> {
  return sql<PartReport[]>`
    select y.part, y.head_seq::float8 as "headSeq", y.state_seq::float8 as "stateSeq",
           y.projected_seq::float8 as "projectedSeq", octet_length(y.state) as "stateBytes",
           u.rows as "logRows", u.bytes as "logBytes", h.rows as "historyRows", h.bytes as "historyBytes",
           y.quarantined_seq::float8 as "quarantinedSeq", y.quarantine_reason as "quarantineReason",
           y.compacted_at as "compactedAt"
    from yjs_documents y,
    lateral (select count(*)::int as rows, coalesce(sum(octet_length(update_data)), 0)::float8 as bytes
             from yjs_updates where document_id = y.document_id and part = y.part) u,
    lateral (select coalesce(sum(update_count), 0)::int as rows,
                    coalesce(sum(octet_length(updates)), 0)::float8 as bytes
             from yjs_history where document_id = y.document_id and part = y.part) h
    where y.document_id = ${documentId} order by y.part desc`;
}

/**
 * Marks a document as deleted; its log stays. Returns false when it was so already.
 * @throws ScriptoriumError `document_not_found`.
 */
export async function deleteDocument(
  sql: SqlOrTransaction,
  documentId: string,
  by: Actor,
): Promise<boolean> {
  const marked = await sql`
    with changed as (
      update documents set deleted_at = now() where id = ${documentId} and deleted_at is null
      returning ${documentOf(sql)})
    ${note(sql, by, { entity: "document", action: "deleted" })}`;
  if (marked.count === 1) return true;
  const found = await sql`select 1 from documents where id = ${documentId}`;
  if (found.length === 1) return false;
  throw new ScriptoriumError("document_not_found", `No document ${documentId}`);
}

/** How far one part of a document is behind its log: nothing to compact when both are the same. */
export type LogHead = {
  readonly documentId: string;
  readonly part: Part;
  readonly headSeq: number;
  readonly stateSeq: number;
};

/** The heads of both parts: of these documents, or of all that are not deleted, in a stable order. */
export async function listLogHeads(
  sql: SqlOrTransaction,
  documentIds: readonly string[] | null,
): Promise<LogHead[]> {
  const ids = documentIds === null ? null : [...documentIds];
  return sql<LogHead[]>`
    select y.document_id as "documentId", y.part, y.head_seq::float8 as "headSeq",
           y.state_seq::float8 as "stateSeq"
    from yjs_documents y join documents d on d.id = y.document_id
    where case when ${ids === null} then d.deleted_at is null else d.id = any(${ids ?? []}::uuid[]) end
    order by d.created_at, d.id, y.part desc`;
}
