import { createHash, randomBytes } from "node:crypto";
import { hash } from "@node-rs/bcrypt";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Role, Scope } from "../schema/roles.ts";
import type { OrganizationRole } from "../schema/closed-sets.ts";
import { change, note, organizationOf, type Actor } from "./activities.ts";
import { uniquely, type SqlOrTransaction } from "./database.ts";

/** 2^10 rounds: about 50 ms. The secret has 256 random bits, so the cost only has to annoy. */
const BCRYPT_COST = 10;

/** Ten letters and digits: found by an index, shown in lists, no secret. */
const PREFIX_BYTES = 5;
const SECRET_BYTES = 32;

/** What a new API key is for. Null: no project means all of the organization, no date means it does not expire. */
export type NewKey = {
  readonly organizationId: string;
  readonly projectId: string | null;
  readonly userId: string;
  readonly agentId: string | null;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly role: Role;
  readonly expiresAt: Date | null;
};

/** Makes an API key, `<prefix>.<secret>`. The answer is the only time it is seen: only its bcrypt hash is kept. */
export async function createKey(
  sql: SqlOrTransaction,
  key: NewKey,
  by: Actor,
): Promise<{ keyId: string; token: string }> {
  const prefix = `sk${randomBytes(PREFIX_BYTES).toString("hex")}`;
  const token = `${prefix}.${randomBytes(SECRET_BYTES).toString("base64url")}`;
  const keyHash = await hash(token, BCRYPT_COST);
  const [row] = await sql<{ id: string }[]>`
    with changed as (
      insert into api_keys (organization_id, project_id, user_id, agent_id, name, key_prefix, key_hash, scopes,
                            role, expires_at)
      values (${key.organizationId}, ${key.projectId}, ${key.userId}, ${key.agentId}, ${key.name}, ${prefix},
              ${keyHash}, ${[...key.scopes]}::text[], ${key.role}, ${key.expiresAt})
      returning id as entity_id, organization_id, project_id,
                jsonb_build_object('role', role, 'scopes', scopes, 'agentId', agent_id, 'expiresAt', expires_at) as about
    ), noted as (${note(sql, by, { entity: "key", action: "created" })})
    select entity_id as id from changed`;
  return { keyId: oneRow(row).id, token };
}

/** What a new session is for, and for its owner's list where it was made. */
export type NewSession = {
  readonly userId: string;
  readonly expiresAt: Date;
  readonly ipAddress?: string | null;
  readonly userAgent?: string | null;
};

/** Makes a session and its token: somebody has signed in. The token is seen only here, its SHA-256 is kept. */
export async function createSession(
  sql: SqlOrTransaction,
  { userId, expiresAt, ipAddress = null, userAgent = null }: NewSession,
  by: Actor,
): Promise<{ sessionId: string; token: string }> {
  const token = randomBytes(SECRET_BYTES).toString("base64url");
  const tokenHash = createHash("sha256").update(token).digest();
  const [row] = await sql<{ id: string }[]>`
    with changed as (
      insert into sessions (user_id, token_hash, expires_at, ip_address, user_agent)
      values (${userId}, ${tokenHash}, ${expiresAt}, ${ipAddress}, ${userAgent})
      returning id, user_id as entity_id, jsonb_build_object('sessionId', id, 'expiresAt', expires_at) as about
    ), noted as (${note(sql, by, { entity: "user", action: "signed_in" })})
    select id from changed`;
  return { sessionId: oneRow(row).id, token };
}

/** @throws ScriptoriumError `conflict` when the address is taken. */
export async function createUser(
  sql: SqlOrTransaction,
  user: { email: string; name: string },
): Promise<string> {
  const rows = await uniquely(
    sql<
      { id: string }[]
    >`insert into users (email, name) values (${user.email}, ${user.name}) returning id`,
    `A user ${user.email} is there already`,
  );
  return oneRow(rows[0]).id;
}

/** @throws ScriptoriumError `conflict` when the slug is taken. */
export async function createOrganization(
  sql: SqlOrTransaction,
  organization: { name: string; slug: string },
): Promise<string> {
  const rows = await uniquely(
    sql<{ id: string }[]>`
      insert into organizations (name, slug) values (${organization.name}, ${organization.slug}) returning id`,
    `An organization "${organization.slug}" is there already`,
  );
  return oneRow(rows[0]).id;
}

/** @throws ScriptoriumError `conflict` when the organization has a project of this slug. */
export async function createProject(
  sql: SqlOrTransaction,
  project: { organizationId: string; name: string; slug: string },
): Promise<string> {
  const rows = await uniquely(
    sql<{ id: string }[]>`
      insert into projects (organization_id, name, slug)
      values (${project.organizationId}, ${project.name}, ${project.slug}) returning id`,
    `The organization has a project "${project.slug}" already`,
  );
  return oneRow(rows[0]).id;
}

/** Makes a user a member of an organization, or changes what he is there. */
export async function setMember(
  sql: SqlOrTransaction,
  member: { organizationId: string; userId: string; role: OrganizationRole },
  by: Actor,
): Promise<void> {
  const { organizationId, userId, role } = member;
  await sql`
    with before as (
      select role from organization_members
      where organization_id = ${organizationId} and user_id = ${userId}
    ), changed as (
      insert into organization_members as m (organization_id, user_id, role)
      values (${organizationId}, ${userId}, ${role})
      on conflict (organization_id, user_id) do update set role = excluded.role where m.role <> excluded.role
      returning user_id as entity_id, organization_id, ${change(sql, "role", sql`(select role from before)`, sql`role`)}
    ) ${note(sql, by, { entity: "member", action: "role_changed" })}`;
}

/** Gives a user a role in a project, or changes it. */
export async function setCollaborator(
  sql: SqlOrTransaction,
  collaborator: { projectId: string; userId: string; role: Role },
  by: Actor,
): Promise<void> {
  const { projectId, userId, role } = collaborator;
  await sql`
    with before as (
      select role from collaborators
      where project_id = ${projectId} and user_id = ${userId} and removed_at is null
    ), changed as (
      insert into collaborators as c (project_id, user_id, role) values (${projectId}, ${userId}, ${role})
      on conflict (project_id, user_id) do update set role = excluded.role, removed_at = null
        where c.role <> excluded.role or c.removed_at is not null
      returning user_id as entity_id, project_id, ${organizationOf(sql)},
                ${change(sql, "role", sql`(select role from before)`, sql`role`)}
    ) ${note(sql, by, { entity: "collaborator", action: "role_changed" })}`;
}

function oneRow<T>(row: T | undefined): T {
  if (row === undefined) throw new ScriptoriumError("internal", "Nothing was inserted");
  return row;
}
