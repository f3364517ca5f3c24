import { ScriptoriumError } from "../schema/errors.ts";
import type { Principal } from "../schema/principal.ts";
import type { SqlOrTransaction } from "./database.ts";

/** The person behind a principal, and when what he holds expires; null: not until it is revoked. */
export type StoredMe = {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly expiresAt: Date | null;
};

/** @throws ScriptoriumError `unauthenticated` when the user was deleted a moment ago. */
export async function readMe(sql: SqlOrTransaction, principal: Principal): Promise<StoredMe> {
  const sessionId = principal.kind === "user" ? principal.sessionId : null;
  const keyId = principal.kind === "key" ? principal.keyId : null;
  const [row] = await sql<StoredMe[]>`
    select id, email, name,
           coalesce((select expires_at from sessions where id = ${sessionId}::uuid),
                    (select expires_at from api_keys where id = ${keyId}::uuid)) as "expiresAt"
    from users where id = ${principal.userId}`;
  if (row === undefined) throw new ScriptoriumError("unauthenticated", "This user is no longer");
  if (principal.kind !== "jwt") return row;
  return { ...row, expiresAt: new Date(principal.expiresAtMs) };
}

/** Changes what others see of a person. */
export async function renameUser(
  sql: SqlOrTransaction,
  userId: string,
  name: string,
): Promise<void> {
  await sql`update users set name = ${name} where id = ${userId}`;
}
