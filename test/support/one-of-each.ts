import type { Sql } from "../../persistence/database.ts";

/** One row in every table, all of one organization. */
export async function addOneOfEach(sql: Sql): Promise<void> {
  await sql.unsafe(`
    with o as (insert into organizations (name, slug) values ('o', 'o') returning id),
      u as (insert into users (email, name) values ('u@example.org', 'u') returning id),
      m as (insert into organization_members (organization_id, user_id) select o.id, u.id from o, u),
      s as (insert into sessions (user_id, token_hash, expires_at)
            select id, sha256('token'), now() from u),
      p as (insert into projects (organization_id, name, slug) select id, 'p', 'p' from o returning id),
      c as (insert into collaborators (project_id, user_id) select p.id, u.id from p, u),
      f as (insert into features (project_id, name, slug) select id, 'f', 'f' from p returning id),
      a as (insert into agents (organization_id, agent_level, agent_code, name, role_title)
            select id, 'organization', 'agent-dev-001', 'a', 'writer' from o returning id),
      k as (insert into api_keys (organization_id, user_id, agent_id, name, key_prefix, key_hash)
            select o.id, u.id, a.id, 'k', 'abcdefgh', 'hash' from o, u, a),
      d as (insert into documents (project_id, feature_id, type, title, slug, created_by)
            select p.id, f.id, 'product_overview', 'd', 'd', u.id from p, f, u returning id),
      v as (insert into document_versions (document_id, version_number, seq, content, state, encoding)
            select id, 1, 1, '{}', '', 'v1' from d),
      y as (insert into yjs_documents (document_id, head_seq) select id, 2 from d returning document_id),
      l as (insert into yjs_updates (document_id, seq, update_data, batch_id, user_id)
            select y.document_id, 2, '', gen_random_uuid(), u.id from y, u),
      h as (insert into yjs_history
              (document_id, first_seq, last_seq, updates, update_count, raw_bytes, created_from, created_to)
            select document_id, 1, 1, '', 1, 0, now(), now() from y),
      b as (insert into yjs_set_aside (document_id, seq, kind, original, encoding, reason)
            select document_id, 1, 'snapshot', '', 'v1', 'bad' from y),
      n as (insert into comments (project_id, parent_type, parent_id, content)
            select id, 'document', id, '{}' from p),
      w as (insert into mentions (project_id, source_type, source_id, target_type, target_id, occurrence)
            select p.id, 'document', p.id, 'user', u.id, 1 from p, u),
      x as (insert into agent_suggestions (project_id, document_id, agent_type, base_seq, diffs)
            select p.id, d.id, 'person', 1, '[]' from p, d returning id, document_id),
      z as (insert into suggestion_hunks (suggestion_id, document_id, diff_id, ordinal, update_data, parts)
            select id, document_id, id, 0, '', '[]' from x),
      i as (insert into inboxes (user_id, head_position) select id, 1 from u returning id),
      t as (insert into notifications (inbox_id, position, type, title, once_key)
            select id, 1, 'mention', 't', 'o' from i)
    insert into yjs_clients (document_id, client_id, first_seq) select document_id, 1, 1 from y`);
}
