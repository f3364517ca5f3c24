import type { Role } from "../schema/roles.ts";
import { higherRole } from "../schema/roles.ts";
import type { AgentStatus } from "../schema/tables/agents.ts";
import type { OrganizationRole } from "../schema/tables/organizations.ts";
import type { SqlOrTransaction } from "./database.ts";

export type StoredKey = {
  readonly keyId: string;
  readonly keyHash: string;
  readonly userId: string;
  readonly agentId: string | null;
  readonly agentStatus: AgentStatus | null;
  readonly organizationId: string;
  readonly projectId: string | null;
  readonly scopes: string[];
  readonly role: Role;
};

/** The live key with this prefix: not revoked, not expired; null when there is none. The prefix is unique among them. */
export async function findKey(sql: SqlOrTransaction, prefix: string): Promise<StoredKey | null> {
  const [row] = await sql<StoredKey[]>`
    select k.id as "keyId", k.key_hash as "keyHash", k.user_id as "userId", k.agent_id as "agentId",
           a.status as "agentStatus", k.organization_id as "organizationId", k.project_id as "projectId",
           k.scopes, k.role
    from api_keys k left join agents a on a.id = k.agent_id
    where k.key_prefix = ${prefix} and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > now()) and a.deleted_at is null`;
  return row ?? null;
}

/** Notes that a key was used, at most once a minute: a column for people, not worth a write for every request. */
export async function touchKey(sql: SqlOrTransaction, keyId: string): Promise<void> {
  await sql`
    update api_keys set last_used_at = now()
    where id = ${keyId} and (last_used_at is null or last_used_at < now() - interval '1 minute')`;
}

/** The user of a live session, by the SHA-256 of its token; null when there is none. */
export async function findSession(
  sql: SqlOrTransaction,
  tokenHash: Uint8Array,
): Promise<{ userId: string } | null> {
  const [row] = await sql<{ userId: string }[]>`
    select user_id as "userId" from sessions
    where token_hash = ${tokenHash} and expires_at > now() and revoked_at is null`;
  return row ?? null;
}

export type DocumentAccess = {
  readonly organizationId: string;
  readonly projectId: string;
  /** Null: this user has no part in the project, so for him the document does not exist. */
  readonly role: Role | null;
};

type AccessRow = {
  organizationId: string;
  projectId: string;
  membership: OrganizationRole | null;
  collaboration: Role | null;
};

/**
 * Resolves a document to its project and the user's role there [A1].
 * An organization's admin owns all its projects; a member may read them; a collaborator has the role he was given,
 * be he a member or a guest; of several, the highest counts. Null when there is no such document.
 */
export async function accessToDocument(
  sql: SqlOrTransaction,
  documentId: string,
  userId: string,
): Promise<DocumentAccess | null> {
  const [row] = await sql<AccessRow[]>`
    select p.organization_id as "organizationId", p.id as "projectId",
           m.role as membership, c.role as collaboration
    from documents d
    join projects p on p.id = d.project_id
    join organizations o on o.id = p.organization_id and o.deleted_at is null
    left join organization_members m on m.organization_id = o.id and m.user_id = ${userId}
    left join collaborators c on c.project_id = p.id and c.user_id = ${userId} and c.removed_at is null
    where d.id = ${documentId} and d.deleted_at is null`;
  if (row === undefined) return null;
  const { organizationId, projectId, membership, collaboration } = row;
  const asMember = membership === null ? null : ROLE_OF_MEMBER[membership];
  const roles = [asMember, collaboration].filter((role) => role !== null);
  const role = roles.length === 0 ? null : roles.reduce(higherRole);
  return { organizationId, projectId, role };
}

const ROLE_OF_MEMBER: Record<OrganizationRole, Role> = { member: "viewer", admin: "owner" };
