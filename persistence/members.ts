import type { OrganizationRole } from "../schema/closed-sets.ts";
import { ScriptoriumError } from "../schema/errors.ts";
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
): Promise<void> {
  const inserted = await sql`
    insert into organization_members (organization_id, user_id, role)
    values (${organizationId}, ${userId}, ${role}) on conflict do nothing`;
  if (inserted.count === 0) throw new ScriptoriumError("conflict", "He is a member already");
}

/** Maintained invariant: an organization has an admin. The organization's row must be locked. @throws ScriptoriumError `conflict`. */
export async function changeMember(
  sql: SqlOrTransaction,
  { organizationId, userId, role }: Membership & { readonly role: OrganizationRole },
): Promise<void> {
  if (role !== "admin") await keepAnAdmin(sql, { organizationId, userId });
  await sql`
    update organization_members set role = ${role}
    where organization_id = ${organizationId} and user_id = ${userId}`;
}

/**
 * Ends a membership, and the roles in the organization's projects: whoever is sent away keeps no way in.
 * The organization's row must be locked. @throws ScriptoriumError `conflict` for the last admin.
 */
export async function deleteMember(
  sql: SqlOrTransaction,
  { organizationId, userId }: Membership,
): Promise<void> {
  await keepAnAdmin(sql, { organizationId, userId });
  await sql`
    delete from organization_members where organization_id = ${organizationId} and user_id = ${userId}`;
  await sql`
    update collaborators c set removed_at = now() from projects p
    where p.id = c.project_id and p.organization_id = ${organizationId} and c.user_id = ${userId}
      and c.removed_at is null`;
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
