import type { OrganizationRole } from "../schema/closed-sets.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { change, note, type Actor } from "./activities.ts";
import type { SqlOrTransaction } from "./database.ts";
import type { Page, Paged } from "./page.ts";

/** A person and his place in an organization. `id` is the user's. */
export type StoredMember = {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: OrganizationRole;
  readonly createdAt: Date;
};

/** Who belongs where. */
export type Membership = { readonly organizationId: string; readonly userId: string };

const CHANGED = { entity: "member", action: "role_changed" } as const;

/** The members of an organization, by name. */
export async function memberPage(
  sql: SqlOrTransaction,
  organizationId: string,
  { limit, after }: Page,
): Promise<Paged<StoredMember>[]> {
  return sql`
    select u.id, u.email, u.name, m.role, m.created_at as "createdAt", lower(u.name) as "sortKey"
    from organization_members m join users u on u.id = m.user_id
    where m.organization_id = ${organizationId}
      and (${after === null} or (lower(u.name), u.id) > (${after?.value ?? ""}, ${after?.id ?? null}::uuid))
    order by lower(u.name), u.id limit ${limit}`;
}

/** @throws ScriptoriumError `not_found`. */
export async function readMember(
  sql: SqlOrTransaction,
  { organizationId, userId }: Membership,
): Promise<StoredMember> {
  const [row] = await sql<StoredMember[]>`
    select u.id, u.email, u.name, m.role, m.created_at as "createdAt"
    from organization_members m join users u on u.id = m.user_id
    where m.organization_id = ${organizationId} and m.user_id = ${userId}`;
  if (row === undefined) throw new ScriptoriumError("not_found", "There is no such member");
  return row;
}

/** @throws ScriptoriumError `conflict` for somebody who is a member already; his role stays. */
export async function insertMember(
  sql: SqlOrTransaction,
  { organizationId, userId, role }: Membership & { readonly role: OrganizationRole },
  by: Actor,
): Promise<void> {
  const inserted = await sql`
    with changed as (
      insert into organization_members (organization_id, user_id, role)
      values (${organizationId}, ${userId}, ${role}) on conflict do nothing
      returning user_id as entity_id, organization_id, ${change(sql, "role", sql`null`, sql`role`)}
    ) ${note(sql, by, CHANGED)}`;
  if (inserted.count === 0) throw new ScriptoriumError("conflict", "He is a member already");
}

/** Maintained invariant: an organization has an admin. The organization's row must be locked. @throws ScriptoriumError `conflict`. */
export async function changeMember(
  sql: SqlOrTransaction,
  { organizationId, userId, role }: Membership & { readonly role: OrganizationRole },
  by: Actor,
): Promise<void> {
  if (role !== "admin") await keepAnAdmin(sql, { organizationId, userId });
  await sql`
    with before as (
      select id, role from organization_members
      where organization_id = ${organizationId} and user_id = ${userId} for update
    ), changed as (
      update organization_members m set role = ${role} from before where m.id = before.id and m.role <> ${role}
      returning m.user_id as entity_id, m.organization_id, ${change(sql, "role", sql`before.role`, sql`m.role`)}
    ) ${note(sql, by, CHANGED)}`;
}

/**
 * Ends a membership, and the roles in the organization's projects: whoever is sent away keeps no way in.
 * The organization's row must be locked. @throws ScriptoriumError `conflict` for the last admin.
 */
export async function deleteMember(
  sql: SqlOrTransaction,
  { organizationId, userId }: Membership,
  by: Actor,
): Promise<void> {
  await keepAnAdmin(sql, { organizationId, userId });
  await sql`
    with changed as (
      delete from organization_members where organization_id = ${organizationId} and user_id = ${userId}
      returning user_id as entity_id, organization_id, ${change(sql, "role", sql`role`, sql`null`)}
    ) ${note(sql, by, CHANGED)}`;
  await sql`
    with changed as (
      update collaborators c set removed_at = now() from projects p
      where p.id = c.project_id and p.organization_id = ${organizationId} and c.user_id = ${userId}
        and c.removed_at is null
      returning c.user_id as entity_id, c.project_id, p.organization_id, ${change(sql, "role", sql`c.role`, sql`null`)}
    ) ${note(sql, by, { entity: "collaborator", action: "role_changed" })}`;
}

async function keepAnAdmin(
  sql: SqlOrTransaction,
  { organizationId, userId }: Membership,
): Promise<void> {
  const admins = await sql<{ id: string }[]>`
    select user_id as id from organization_members
    where organization_id = ${organizationId} and role = 'admin'`;
  if (admins.length !== 1 || admins[0]?.id !== userId) return;
  throw new ScriptoriumError("conflict", "He is the last admin; make somebody else an admin first");
}
