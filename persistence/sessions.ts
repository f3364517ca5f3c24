import { note, type Actor } from "./activities.ts";
import type { SqlOrTransaction } from "./database.ts";
import type { Page, Paged } from "./page.ts";

/** A live session as its owner sees it. */
export type OwnSession = {
  readonly id: string;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
};

/** The live sessions of a user, the newest first. The key of a page is a time in whole microseconds. */
export async function sessionPage(
  sql: SqlOrTransaction,
  userId: string,
  { limit, after }: Page,
): Promise<Paged<OwnSession>[]> {
  return sql`
    select id, "ipAddress", "userAgent", "createdAt", "expiresAt", micros::text as "sortKey"
    from (
      select id, ip_address as "ipAddress", user_agent as "userAgent", created_at as "createdAt",
             expires_at as "expiresAt", (extract(epoch from created_at) * 1000000)::bigint as micros
      from sessions where user_id = ${userId} and revoked_at is null and expires_at > now()
    ) as live
    where ${after === null} or (micros, id) < (${after?.value ?? "0"}::text::bigint, ${after?.id ?? null}::uuid)
    order by micros desc, id desc limit ${limit}`;
}

/** Ends one live session of this user, `signed_out` when it is his own doing with it; false when he has no such session. */
export async function endSession(
  sql: SqlOrTransaction,
  { userId, sessionId }: { userId: string; sessionId: string },
  { by, action }: { by: Actor; action: "signed_out" | "session_ended" },
): Promise<boolean> {
  const ended = await sql`
    with changed as (
      update sessions set revoked_at = now()
      where id = ${sessionId} and user_id = ${userId} and revoked_at is null and expires_at > now()
      returning user_id as entity_id, jsonb_build_object('sessionId', id) as about
    ) ${note(sql, by, { entity: "user", action })}`;
  return ended.count > 0;
}
