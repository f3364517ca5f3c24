import type { SqlOrTransaction } from "./database.ts";

/** Ends all live sessions of a user, or all but one, and says how many there were. */
export async function revokeSessions(
  sql: SqlOrTransaction,
  userId: string,
  { exceptId = null }: { exceptId?: string | null } = {},
): Promise<number> {
  const ended = await sql`
    update sessions set revoked_at = now()
    where user_id = ${userId} and revoked_at is null and expires_at > now()
      and id is distinct from ${exceptId}::uuid`;
  return ended.count;
}

/**
 * Ends an API key, named by its prefix or its id. One that was revoked before keeps its time.
 * Null when there is no such key.
 */
export async function revokeKey(
  sql: SqlOrTransaction,
  prefixOrId: string,
): Promise<{ readonly id: string; readonly prefix: string; readonly revokedAt: Date } | null> {
  // A prefix is unique among live keys only: the live one is meant, else the one revoked last.
  const [row] = await sql<{ id: string; prefix: string; revokedAt: Date }[]>`
    with meant as (
      select id from api_keys where key_prefix = ${prefixOrId} or id::text = ${prefixOrId}
      order by revoked_at desc nulls first limit 1
    )
    update api_keys k set revoked_at = coalesce(k.revoked_at, now())
    from meant where k.id = meant.id
    returning k.id, k.key_prefix as prefix, k.revoked_at as "revokedAt"`;
  return row ?? null;
}
