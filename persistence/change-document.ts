import { documentOf, note, type Actor } from "./activities.ts";
import { uniquely, type SqlOrTransaction } from "./database.ts";

/** What of a document's row is to change; undefined leaves it. */
export type DocumentChange = {
  readonly title?: string | undefined;
  readonly slug?: string | undefined;
  readonly projectId?: string | undefined;
  readonly featureId?: string | null | undefined;
  readonly sortOrder?: number | undefined;
};

/**
 * Changes what is given, and tells of it: `renamed` with the fields and never the words; `moved` with ids, in the feed of
 * the project that it leaves too.
 * @throws ScriptoriumError `conflict` when another document has the slug.
 */
export async function changeDocument(
  sql: SqlOrTransaction,
  documentId: string,
  change: DocumentChange,
  by: Actor,
): Promise<void> {
  await uniquely(
    sql`
      with before as (
        select id, title, slug, project_id, feature_id from documents where id = ${documentId} for no key update
      ), after as (${update(sql, change)}
      ), renamed as (
        with changed as (
          select ${documentOf(sql)}, jsonb_build_object('fields', to_jsonb(array_remove(array[
                   case when title <> old_title then 'title' end, case when slug <> old_slug then 'slug' end], null)))
                   as about
          from after where title <> old_title or (slug <> old_slug and project_id = old_project_id))
        ${note(sql, by, { entity: "document", action: "renamed" })}
      )${moved(sql, by)}`,
    "The project has a document of this type and slug already",
  );
  if (change.projectId !== undefined) await moveDiscussion(sql, documentId, change.projectId);
}

const update = (
  sql: SqlOrTransaction,
  { title, slug, projectId, featureId, sortOrder }: DocumentChange,
) => sql`
  update documents d
  set title = coalesce(${title ?? null}, d.title), slug = coalesce(${slug ?? null}, d.slug),
      project_id = coalesce(${projectId ?? null}::uuid, d.project_id),
      feature_id = ${featureId === undefined ? sql`d.feature_id` : sql`${featureId}::uuid`},
      sort_order = coalesce(${sortOrder ?? null}::int, d.sort_order)
  from before where d.id = before.id
  returning d.id, d.title, d.slug, d.project_id, d.feature_id, before.title as old_title, before.slug as old_slug,
            before.project_id as old_project_id, before.feature_id as old_feature_id`;

/** A row for each project that it concerns: people follow one. */
const moved = (sql: SqlOrTransaction, by: Actor) => sql`
  , moved as (
    select id, unnest(case when project_id = old_project_id then array[project_id]
                           else array[old_project_id, project_id] end) as project_id,
           jsonb_strip_nulls(jsonb_build_object(
             'projectId', case when project_id <> old_project_id
               then jsonb_build_object('old', old_project_id, 'new', project_id) end))
           || case when feature_id is distinct from old_feature_id
                then jsonb_build_object('featureId', jsonb_build_object('old', old_feature_id, 'new', feature_id))
                else '{}' end as changes
    from after where project_id <> old_project_id or feature_id is distinct from old_feature_id
  ), changed as (select ${documentOf(sql)}, changes from moved)
  ${note(sql, by, { entity: "document", action: "moved" })}`;

/** Comments and mentions belong to the project that their document is in. */
async function moveDiscussion(
  tx: SqlOrTransaction,
  documentId: string,
  projectId: string,
): Promise<void> {
  await tx`
    update comments set project_id = ${projectId}
    where parent_type = 'document' and parent_id = ${documentId} and project_id <> ${projectId}`;
  await tx`
    update mentions set project_id = ${projectId}
    where project_id <> ${projectId} and (source_type = 'document' and source_id = ${documentId}
      or source_type = 'comment' and source_id in (
        select id from comments where parent_type = 'document' and parent_id = ${documentId}))`;
}

/** Brings a deleted document back; harmless for one that is there. */
export async function restoreDocument(
  sql: SqlOrTransaction,
  documentId: string,
  by: Actor,
): Promise<void> {
  await sql`
    with changed as (
      update documents set deleted_at = null where id = ${documentId} and deleted_at is not null
      returning ${documentOf(sql)})
    ${note(sql, by, { entity: "document", action: "restored" })}`;
}
