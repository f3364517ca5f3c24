import type { PlaceKind } from "../schema/api/contract.ts";
import type { Role } from "../schema/roles.ts";
import { higherRole } from "../schema/roles.ts";
import type { AgentStatus, OrganizationRole } from "../schema/closed-sets.ts";
import type { SqlOrTransaction } from "./database.ts";

/** A live API key as it is stored: everything about it but the secret. */
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
  /** Its last noted use is more than a minute ago: see `touchKey`. */
  readonly isTouchDue: boolean;
};

/** The live keys with these prefixes: not revoked, not expired; null where there is none. A prefix is unique among them. */
export async function findKeys(
  sql: SqlOrTransaction,
  prefixes: readonly string[],
): Promise<(StoredKey | null)[]> {
  const rows = await sql<(StoredKey & { prefix: string })[]>`
    select k.key_prefix as prefix, k.id as "keyId", k.key_hash as "keyHash", k.user_id as "userId", k.agent_id as "agentId",
           a.status as "agentStatus", k.organization_id as "organizationId", k.project_id as "projectId",
           k.scopes, k.role,
           (k.last_used_at is null or k.last_used_at < now() - interval '1 minute') as "isTouchDue"
    from api_keys k left join agents a on a.id = k.agent_id
    where k.key_prefix in (select unnest(${`{${prefixes.join(",")}}`}::text::text[])) and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > now()) and a.deleted_at is null`;
  const found = new Map(rows.map(({ prefix, ...key }) => [prefix, key]));
  return prefixes.map((prefix) => found.get(prefix) ?? null);
}

/** Notes that a key was used, at most once a minute: a column for people, not worth a statement for every request. */
export async function touchKey(sql: SqlOrTransaction, keyId: string): Promise<void> {
  await sql`
    update api_keys set last_used_at = now()
    where id = ${keyId} and (last_used_at is null or last_used_at < now() - interval '1 minute')`;
}

/** A live session. */
export type StoredSession = { readonly userId: string; readonly sessionId: string };

/** Live sessions by the SHA-256 of their tokens; null where there is none. */
export async function findSessions(
  sql: SqlOrTransaction,
  tokenHashes: readonly Buffer[],
): Promise<(StoredSession | null)[]> {
  const rows = await sql<(StoredSession & { hash: string })[]>`
    select encode(token_hash, 'hex') as hash, user_id as "userId", id as "sessionId" from sessions
    where token_hash in (select decode(hash, 'hex') from unnest(${hexArray(tokenHashes)}::text::text[]) as hash)
      and expires_at > now() and revoked_at is null`;
  const found = new Map(rows.map(({ hash, ...session }) => [hash, session]));
  return tokenHashes.map((hash) => found.get(hash.toString("hex")) ?? null);
}

const hexArray = (hashes: readonly Buffer[]): string =>
  `{${hashes.map((hash) => hash.toString("hex")).join(",")}}`;

/** Where a document belongs, and what one user is there. */
export type DocumentAccess = {
  readonly organizationId: string;
  readonly projectId: string;
  /** Null: this user has no part in the project, so for him the document does not exist. */
  readonly role: Role | null;
};

/** Where something else belongs; null: to no project of the organization, but to all of it. */
export type PlaceAccess = Omit<DocumentAccess, "projectId"> & { readonly projectId: string | null };

/** Who asks for which document. Both are uuids. */
export type AccessQuestion = { readonly documentId: string; readonly userId: string };

/** What a statement finds of somebody and a document. */
export type AccessRow = {
  readonly organizationId: string;
  readonly projectId: string;
  readonly membership: OrganizationRole | null;
  readonly collaboration: Role | null;
};

/**
 * Resolves documents to their projects and the users' roles there [A1].
 * An organization's admin owns all its projects; a member may read them; a collaborator has the role he was given,
 * be he a member or a guest; of several, the highest counts. Null where there is no such document.
 */
export async function accessToDocuments(
  sql: SqlOrTransaction,
  questions: readonly AccessQuestion[],
): Promise<(DocumentAccess | null)[]> {
  const documents = `{${questions.map(({ documentId }) => documentId).join(",")}}`;
  const users = `{${questions.map(({ userId }) => userId).join(",")}}`;
  const rows = await sql<(AccessRow & { place: number })[]>`
    select q.place::int, p.organization_id as "organizationId", p.id as "projectId",
           m.role as membership, c.role as collaboration
    from unnest(${documents}::text::uuid[], ${users}::text::uuid[]) with ordinality as q(document_id, user_id, place)
    join documents d on d.id = q.document_id and d.deleted_at is null
    join projects p on p.id = d.project_id
    join organizations o on o.id = p.organization_id and o.deleted_at is null
    left join organization_members m on m.organization_id = o.id and m.user_id = q.user_id
    left join collaborators c on c.project_id = p.id and c.user_id = q.user_id and c.removed_at is null`;
  const byPlace = new Map(rows.map((row) => [row.place, toAccess(row)]));
  return questions.map((_, index) => byPlace.get(index + 1) ?? null);
}

/** The statement that finds where an id of each kind belongs. Deleted documents too: restoring one is a right. */
const BELONGS = {
  organization: (
    sql,
    id,
  ) => sql`select id as organization_id, null::uuid as project_id from organizations
                                 where id = ${id}`,
  project: (sql, id) =>
    sql`select organization_id, id as project_id from projects where id = ${id}`,
  document: (sql, id) => sql`select p.organization_id, p.id as project_id
                             from documents d join projects p on p.id = d.project_id where d.id = ${id}`,
  feature: (sql, id) => sql`select p.organization_id, p.id as project_id
                            from features f join projects p on p.id = f.project_id
                            where f.id = ${id} and f.deleted_at is null`,
  agent: (sql, id) =>
    sql`select organization_id, project_id from agents where id = ${id} and deleted_at is null`,
  key: (sql, id) => sql`select organization_id, project_id from api_keys where id = ${id}`,
} satisfies Record<PlaceKind, (sql: SqlOrTransaction, id: string) => unknown>;

/** The columns organization_id and project_id of what an id names; no row where it names nothing. */
export const belongsTo = (sql: SqlOrTransaction, kind: PlaceKind, id: string) =>
  BELONGS[kind](sql, id);

/**
 * Resolves an id of any kind to where it belongs and what the user is there [A1], as `accessToDocuments` does for
 * documents. Where there is no project, only membership counts. Null where there is no such place.
 */
export async function accessToPlace(
  sql: SqlOrTransaction,
  { kind, id, userId }: { kind: PlaceKind; id: string; userId: string },
): Promise<PlaceAccess | null> {
  const [row] = await sql<(Omit<AccessRow, "projectId"> & { projectId: string | null })[]>`
    select b.organization_id as "organizationId", b.project_id as "projectId", m.role as membership,
           c.role as collaboration
    from (${belongsTo(sql, kind, id)}) as b
    join organizations o on o.id = b.organization_id and o.deleted_at is null
    left join organization_members m on m.organization_id = o.id and m.user_id = ${userId}
    left join collaborators c on c.project_id = b.project_id and c.user_id = ${userId} and c.removed_at is null`;
  if (row === undefined) return null;
  const { organizationId, projectId } = row;
  return { organizationId, projectId, role: roleOf(row) };
}

/** What such a row means. */
export function toAccess({ organizationId, projectId, ...standing }: AccessRow): DocumentAccess {
  return { organizationId, projectId, role: roleOf(standing) };
}

/** What a membership and a collaboration make of somebody together; null for somebody who has neither. */
export function roleOf({
  membership,
  collaboration,
}: Pick<AccessRow, "membership" | "collaboration">): Role | null {
  const roles = [roleOfMember(membership), collaboration].filter((role) => role !== null);
  return roles.length === 0 ? null : roles.reduce(higherRole);
}

/** What a membership makes of somebody in every project of the organization; null for somebody who is no member. */
export const roleOfMember = (membership: OrganizationRole | null): Role | null =>
  membership === null ? null : ROLE_OF_MEMBER[membership];

const ROLE_OF_MEMBER: Record<OrganizationRole, Role> = { member: "viewer", admin: "owner" };
