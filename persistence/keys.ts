import type { KeyState } from "../schema/api/keys.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Role, Scope } from "../schema/roles.ts";
import type { SqlOrTransaction } from "./database.ts";
import type { Page, Paged } from "./page.ts";
import type { Reach } from "./reach.ts";

/** An API key as a list shows it: neither its hash nor its secret. */
export type ShownKey = {
  readonly id: string;
  readonly organizationId: string;
  readonly projectId: string | null;
  readonly userId: string;
  readonly userName: string;
  readonly agentId: string | null;
  readonly agentCode: string | null;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: Scope[];
  readonly role: Role;
  readonly state: KeyState;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
};

/** Which keys are listed. Null: whatever it is. */
export type KeyFilter = {
  readonly organizationId: string | null;
  readonly projectId: string | null;
  readonly agentId: string | null;
  readonly userId: string | null;
};

const columns = (sql: SqlOrTransaction) => sql`
  k.id, k.organization_id as "organizationId", k.project_id as "projectId", k.user_id as "userId",
  u.name as "userName", k.agent_id as "agentId", a.agent_code as "agentCode", k.name, k.key_prefix as prefix,
  k.scopes, k.role,
  case when k.revoked_at is not null or a.deleted_at is not null then 'revoked'
       when k.expires_at <= now() then 'expired'
       when a.status in ('inactive', 'terminated') then 'suspended' else 'live' end as state,
  k.created_at as "createdAt", k.last_used_at as "lastUsedAt", k.expires_at as "expiresAt",
  k.revoked_at as "revokedAt"`;

const joined = (sql: SqlOrTransaction) => sql`
  api_keys k join users u on u.id = k.user_id left join agents a on a.id = k.agent_id`;

/** Microseconds since 1970, all that PostgreSQL keeps of a time: no key lies between a page and the next. */
const age = (sql: SqlOrTransaction) => sql`(extract(epoch from k.created_at) * 1000000)::bigint`;

/**
 * A page of keys, the newest first.
 * @throws ScriptoriumError `bad_request` when the position is none of this list.
 */
export async function keyPage(
  sql: SqlOrTransaction,
  { organizationId, projectId, agentId, userId }: KeyFilter,
  { limit, after }: Page,
): Promise<Paged<ShownKey>[]> {
  if (after !== null && !/^\d{1,16}$/u.test(after.value)) {
    throw new ScriptoriumError("bad_request", "The cursor is not one of this list");
  }
  return sql`
    select ${columns(sql)}, ${age(sql)}::text as "sortKey" from ${joined(sql)}
    join organizations o on o.id = k.organization_id and o.deleted_at is null
    where (${organizationId}::uuid is null or k.organization_id = ${organizationId}::uuid)
      and (${projectId}::uuid is null or k.project_id = ${projectId}::uuid)
      and (${agentId}::uuid is null or k.agent_id = ${agentId}::uuid)
      and (${userId}::uuid is null or k.user_id = ${userId}::uuid)
      and (${after === null} or (${age(sql)}, k.id) < (${after?.value ?? "0"}::text::bigint, ${after?.id ?? null}::uuid))
    order by ${age(sql)} desc, k.id desc limit ${limit}`;
}

/** Locked until the transaction ends when it is about to be changed. @throws ScriptoriumError `not_found`. */
export async function readKey(
  sql: SqlOrTransaction,
  id: string,
  { forUpdate = false }: { forUpdate?: boolean } = {},
): Promise<ShownKey> {
  const [row] = await sql<ShownKey[]>`
    select ${columns(sql)} from ${joined(sql)}
    where k.id = ${id} ${forUpdate ? sql`for no key update of k` : sql``}`;
  if (row === undefined) throw new ScriptoriumError("not_found", "There is no such key");
  return row;
}

/** Ends a key for good. One that was revoked before keeps its time. */
export async function endKey(sql: SqlOrTransaction, keyId: string): Promise<void> {
  await sql`update api_keys set revoked_at = coalesce(revoked_at, now()) where id = ${keyId}`;
}

/** The same for a key that this user made, within his reach; false where there is none. */
export async function endOwnKey(
  sql: SqlOrTransaction,
  keyId: string,
  { userId, onlyOrganizationId }: Pick<Reach, "userId" | "onlyOrganizationId">,
): Promise<boolean> {
  const ended = await sql`
    update api_keys set revoked_at = coalesce(revoked_at, now())
    where id = ${keyId} and user_id = ${userId}
      and (${onlyOrganizationId}::uuid is null or organization_id = ${onlyOrganizationId}::uuid)`;
  return ended.count > 0;
}

/** Lets a key expire after so many seconds, unless it does so before. */
export async function expireKey(
  sql: SqlOrTransaction,
  { keyId, afterSeconds }: { keyId: string; afterSeconds: number },
): Promise<void> {
  // least() passes over a null, which is a key that would not expire.
  await sql`
    update api_keys set expires_at = least(expires_at, now() + make_interval(secs => ${afterSeconds}))
    where id = ${keyId}`;
}
