import { uniquely, type SqlOrTransaction } from "./database.ts";

/** What of a document's row is to change; undefined leaves it. */
export type DocumentChange = {
  readonly title?: string | undefined;
  readonly slug?: string | undefined;
  readonly projectId?: string | undefined;
  readonly featureId?: string | null | undefined;
  readonly sortOrder?: number | undefined;
};

/** Changes what is given. @throws ScriptoriumError `conflict` when another document has the slug. */
export async function changeDocument(
  sql: SqlOrTransaction,
  documentId: string,
  { title, slug, projectId, featureId, sortOrder }: DocumentChange,
): Promise<void> {
  await uniquely(
    sql`
      update documents
      set title = coalesce(${title ?? null}, title), slug = coalesce(${slug ?? null}, slug),
          project_id = coalesce(${projectId ?? null}::uuid, project_id),
          feature_id = ${featureId === undefined ? sql`feature_id` : sql`${featureId}::uuid`},
          sort_order = coalesce(${sortOrder ?? null}::int, sort_order)
      where id = ${documentId}`,
    "The project has a document of this type and slug already",
  );
}

/** Brings a deleted document back; harmless for one that is there. */
export async function restoreDocument(sql: SqlOrTransaction, documentId: string): Promise<void> {
  await sql`
    update documents set deleted_at = null where id = ${documentId} and deleted_at is not null`;
}
