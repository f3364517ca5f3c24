import type { Sql } from "../../persistence/database.ts";
import type { Tenancy } from "./api-tenancy.ts";

/**
 * All that a tenant's rows say, as one text: two are equal when nothing was changed, made or deleted in between.
 * What upkeep derives from the log meanwhile is left out; the log itself is not.
 */
export async function fingerprintOf(
  sql: Sql,
  { organizationId }: Pick<Tenancy, "organizationId">,
): Promise<string> {
  const [row] = await sql<{ fingerprint: string }[]>`
    with p as (select * from projects where organization_id = ${organizationId}),
         d as (select * from documents where project_id in (select id from p)),
    every_row as (
      select to_jsonb(o) as row from organizations o where id = ${organizationId}
      union all select to_jsonb(m) from organization_members m where organization_id = ${organizationId}
      union all select to_jsonb(p) from p
      union all select to_jsonb(c) from collaborators c where project_id in (select id from p)
      union all select to_jsonb(f) from features f where project_id in (select id from p)
      union all select to_jsonb(d) - array['content', 'content_text', 'diagram_source', 'word_count',
                                                  'character_count', 'updated_at'] from d
      union all select to_jsonb(v) from document_versions v
        where document_id in (select id from d) and kind <> 'automatic'
      union all select jsonb_build_array(document_id, part, head_seq) from yjs_documents
        where document_id in (select id from d)
      union all select to_jsonb(s) from agent_suggestions s where document_id in (select id from d)
      union all select to_jsonb(h) from suggestion_hunks h where document_id in (select id from d)
      union all select to_jsonb(a) from agents a where organization_id = ${organizationId}
      -- Signing in with a key is noted there, and is no change.
      union all select to_jsonb(k) - 'last_used_at' from api_keys k where organization_id = ${organizationId})
    select string_agg(row::text, e'\n' order by row::text) as fingerprint from every_row`;
  return row?.fingerprint ?? "";
}
