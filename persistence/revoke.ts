import { note, type Actor } from "./activities.ts";
import type { SqlOrTransaction } from "./database.ts";

/** Ends all live sessions of a user, or all but one, and says how many there were. */
export async function revokeSessions(
  sql: SqlOrTransaction,
  userId: string,
  { by, exceptId = null }: { by: Actor; exceptId?: string | null },
): Promise<number> {
  const ended = await sql`
    with changed as (
      update sessions set revoked_at = now()
      where user_id = ${userId} and revoked_at is null and expires_at > now()
        and id is distinct from ${exceptId}::uuid
      returning user_id as entity_id, jsonb_build_object('sessionId', id) as about
    ) ${note(sql, by, { entity: "user", action: "session_ended" })}`;
  return ended.count;
}

/**
 * Ends an API key, named by its prefix or its id. One that was revoked before keeps its time.
 * Null when there is no such key.
 */
export async function revokeKey(
  sql: SqlOrTransaction,
  prefixOrId: string,
  by: Actor,
): Promise<{ readonly id: string; readonly prefix: string; readonly revokedAt: Date } | null> {
  // A prefix is unique among live keys only: the live one is meant, else the one revoked last.
  const [row] = await sql<{ id: string; prefix: string; revokedAt: Date }[]>`
    with meant as (
      select id, key_prefix as prefix, revoked_at from api_keys
      where key_prefix = ${prefixOrId} or id::text = ${prefixOrId}
      order by revoked_at desc nulls first limit 1 for update
    ), changed as (
      update api_keys k set revoked_at = now() from meant where k.id = meant.id and k.revoked_at is null
      returning k.id as entity_id, k.organization_id, k.project_id
    ), noted as (${note(sql, by, { entity: "key", action: "revoked" })})
    select id, prefix, coalesce(revoked_at, now()) as "revokedAt" from meant`;
  return row ?? null;
}
