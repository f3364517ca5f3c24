import type { KeyState } from "../schema/api/keys.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Role, Scope } from "../schema/roles.ts";
import { note, type Actor } from "./activities.ts";
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

const REVOKED = { entity: "key", action: "revoked" } as const;

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
export async function endKey(sql: SqlOrTransaction, keyId: string, by: Actor): Promise<void> {
  await sql`
    with changed as (
      update api_keys set revoked_at = now() where id = ${keyId} and revoked_at is null
      returning id as entity_id, organization_id, project_id
    ) ${note(sql, by, REVOKED)}`;
}

/** The same for a key that this user made, within his reach; false where there is none. */
export async function endOwnKey(
  sql: SqlOrTransaction,
  keyId: string,
  { userId, onlyOrganizationId }: Pick<Reach, "userId" | "onlyOrganizationId">,
  by: Actor,
): Promise<boolean> {
  const own = await sql`
    with own as (
      select id from api_keys where id = ${keyId} and user_id = ${userId}
        and (${onlyOrganizationId}::uuid is null or organization_id = ${onlyOrganizationId}::uuid)
    ), changed as (
      update api_keys k set revoked_at = now() from own where k.id = own.id and k.revoked_at is null
      returning k.id as entity_id, k.organization_id, k.project_id
    ), noted as (${note(sql, by, REVOKED)})
    select 1 from own`;
  return own.count > 0;
}

/** Ends a key that another takes the place of: at once, or after so many seconds unless it expires before. */
export async function replaceKey(
  sql: SqlOrTransaction,
  { keyId, newKeyId, graceSeconds }: { keyId: string; newKeyId: string; graceSeconds: number },
  by: Actor,
): Promise<void> {
  // least() passes over a null, which is a key that would not expire.
  const end =
    graceSeconds === 0
      ? sql`revoked_at = now()`
      : sql`expires_at = least(expires_at, now() + make_interval(secs => ${graceSeconds}))`;
  await sql`
    with changed as (
      update api_keys set ${end} where id = ${keyId}
      returning id as entity_id, organization_id, project_id,
                jsonb_build_object('newKeyId', ${newKeyId}::text, 'goodUntil', coalesce(revoked_at, expires_at)) as about
    ) ${note(sql, by, { entity: "key", action: "rotated" })}`;
}
