import type { DocumentType } from "../schema/closed-sets.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { SqlOrTransaction } from "./database.ts";

/** A document's row without its content. */
export type DocumentRow = {
  readonly id: string;
  readonly organizationId: string;
  readonly projectId: string;
  readonly featureId: string | null;
  readonly type: DocumentType;
  readonly title: string;
  readonly slug: string;
  readonly sortOrder: number;
  readonly createdBy: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt: Date | null;
};

/** The columns of a `DocumentRow`, of `documents d` and `projects p`. */
const documentColumns = (sql: SqlOrTransaction) => sql`
  d.id, p.organization_id as "organizationId", d.project_id as "projectId", d.feature_id as "featureId", d.type,
  d.title, d.slug, d.sort_order as "sortOrder", d.created_by as "createdBy", d.created_at as "createdAt",
  d.updated_at as "updatedAt", d.deleted_at as "deletedAt"`;

/**
 * A document's row; locked until the transaction ends when it is about to be changed.
 * @throws ScriptoriumError `document_not_found`, for a deleted one too unless it is wanted.
 */
export async function readDocument(
  sql: SqlOrTransaction,
  documentId: string,
  { forUpdate = false, evenDeleted = false }: { forUpdate?: boolean; evenDeleted?: boolean } = {},
): Promise<DocumentRow> {
  const [row] = await sql<DocumentRow[]>`
    select ${documentColumns(sql)} from documents d join projects p on p.id = d.project_id
    where d.id = ${documentId} and (${evenDeleted} or d.deleted_at is null)
    ${forUpdate ? sql`for no key update of d` : sql``}`;
  if (row === undefined) {
    throw new ScriptoriumError("document_not_found", "There is no such document");
  }
  return row;
}

/**
 * Makes sure that the project has this feature; it cannot be deleted before the transaction ends.
 * @throws ScriptoriumError `not_found`, the same for a feature of another tenant as for none [A1].
 */
export async function requireFeature(
  tx: SqlOrTransaction,
  projectId: string,
  featureId: string,
): Promise<void> {
  const found = await tx`
    select 1 from features where id = ${featureId} and project_id = ${projectId} and deleted_at is null for share`;
  if (found.length === 1) return;
  throw new ScriptoriumError("not_found", "The project has no such feature");
}
