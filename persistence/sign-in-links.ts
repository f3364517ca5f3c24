import { createHash, randomBytes } from "node:crypto";
import { note, type Actor } from "./activities.ts";
import type { SqlOrTransaction } from "./database.ts";

const SECRET_BYTES = 32;

const sha256 = (token: string): Buffer => createHash("sha256").update(token).digest();

/** Makes the token of a link that signs a user in once. It is seen only here: its SHA-256 is kept. */
export async function createSignInLink(
  sql: SqlOrTransaction,
  { userId, expiresAt }: { userId: string; expiresAt: Date },
  by: Actor,
): Promise<string> {
  const token = randomBytes(SECRET_BYTES).toString("base64url");
  await sql`
    with changed as (
      insert into sign_in_links (user_id, token_hash, expires_at)
      values (${userId}, ${sha256(token)}, ${expiresAt})
      returning user_id as entity_id, jsonb_build_object('linkId', id, 'expiresAt', expires_at) as about
    ) ${note(sql, by, { entity: "user", action: "link_created" })}`;
  return token;
}

/**
 * Uses a link up, and says whom it signs in; null when it was used, has expired or never was.
 * Invariant: of all that use it at once one wins. The row lock makes the others wait, and then it is used.
 */
export async function spendSignInLink(
  sql: SqlOrTransaction,
  token: string,
): Promise<string | null> {
  const [row] = await sql<{ userId: string }[]>`
    update sign_in_links set used_at = now()
    where token_hash = ${sha256(token)} and used_at is null and expires_at > now()
    returning user_id as "userId"`;
  return row?.userId ?? null;
}

/** Makes all unused links of a user worthless, and says how many there were. */
export async function revokeSignInLinks(
  sql: SqlOrTransaction,
  userId: string,
  by: Actor,
): Promise<number> {
  const ended = await sql`
    with changed as (
      update sign_in_links set used_at = now()
      where user_id = ${userId} and used_at is null and expires_at > now()
      returning user_id as entity_id, jsonb_build_object('linkId', id) as about
    ) ${note(sql, by, { entity: "user", action: "link_ended" })}`;
  return ended.count;
}
