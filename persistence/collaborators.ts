import { ScriptoriumError } from "../schema/errors.ts";
import type { Role } from "../schema/roles.ts";
import { change, note, organizationOf, type Actor } from "./activities.ts";
import type { SqlOrTransaction } from "./database.ts";
import type { Page, Paged } from "./page.ts";

/** A person and his role in a project. `id` is the user's. */
export type StoredCollaborator = {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly isMember: boolean;
  readonly createdAt: Date;
};

/** Who takes part in what. */
export type Collaboration = { readonly projectId: string; readonly userId: string };

const CHANGED = { entity: "collaborator", action: "role_changed" } as const;

/** Who has a role in a project, by name; whose role was taken away is not among them. */
export async function collaboratorPage(
  sql: SqlOrTransaction,
  projectId: string,
  { limit, after }: Page,
): Promise<Paged<StoredCollaborator>[]> {
  return sql`
    select ${columns(sql)}, lower(u.name) as "sortKey" ${tables(sql)}
    where c.project_id = ${projectId} and c.removed_at is null
      and (${after === null} or (lower(u.name), u.id) > (${after?.value ?? ""}, ${after?.id ?? null}::uuid))
    order by lower(u.name), u.id limit ${limit}`;
}

/** Locked until the transaction ends when it is about to be changed. @throws ScriptoriumError `not_found`. */
export async function readCollaborator(
  sql: SqlOrTransaction,
  { projectId, userId }: Collaboration,
  { forUpdate = false }: { forUpdate?: boolean } = {},
): Promise<StoredCollaborator> {
  const [row] = await sql<StoredCollaborator[]>`
    select ${columns(sql)} ${tables(sql)}
    where c.project_id = ${projectId} and c.user_id = ${userId} and c.removed_at is null
    ${forUpdate ? sql`for no key update of c` : sql``}`;
  if (row === undefined) throw new ScriptoriumError("not_found", "There is no such collaborator");
  return row;
}

const columns = (sql: SqlOrTransaction) => sql`
  u.id, u.email, u.name, c.role, m.id is not null as "isMember", c.created_at as "createdAt"`;

const tables = (sql: SqlOrTransaction) => sql`
  from collaborators c
  join users u on u.id = c.user_id
  join projects p on p.id = c.project_id
  left join organization_members m on m.organization_id = p.organization_id and m.user_id = c.user_id`;

/** True for a user who has a part in the project's organization: as a member, or as a guest of any project of it [A1]. */
export async function isOfTheSameOrganization(
  sql: SqlOrTransaction,
  { projectId, userId }: Collaboration,
): Promise<boolean> {
  const found = await sql`
    select 1 from projects p where p.id = ${projectId} and (
      exists (select 1 from organization_members m
              where m.organization_id = p.organization_id and m.user_id = ${userId})
      or exists (select 1 from collaborators c join projects other on other.id = c.project_id
                 where other.organization_id = p.organization_id and c.user_id = ${userId}
                   and c.removed_at is null))`;
  return found.count > 0;
}

/** Gives a role to somebody who has none, be it the first or after one was taken away. @throws ScriptoriumError `conflict`. */
export async function insertCollaborator(
  sql: SqlOrTransaction,
  added: Collaboration & { readonly role: Role; readonly invitedBy: string },
  by: Actor,
): Promise<void> {
  const { projectId, userId, role, invitedBy } = added;
  const inserted = await sql`
    with changed as (
      insert into collaborators (project_id, user_id, role, invited_by_user_id)
      values (${projectId}, ${userId}, ${role}, ${invitedBy})
      on conflict (project_id, user_id) do update
        set role = excluded.role, invited_by_user_id = excluded.invited_by_user_id, removed_at = null
        where collaborators.removed_at is not null
      returning user_id as entity_id, project_id, ${organizationOf(sql)}, ${change(sql, "role", sql`null`, sql`role`)}
    ) ${note(sql, by, CHANGED)}`;
  if (inserted.count === 0) {
    throw new ScriptoriumError("conflict", "He has a role in this project already");
  }
}

/** Changes the role of somebody who has one. */
export async function changeCollaborator(
  sql: SqlOrTransaction,
  { projectId, userId, role }: Collaboration & { readonly role: Role },
  by: Actor,
): Promise<void> {
  await sql`
    with before as (
      select id, role from collaborators
      where project_id = ${projectId} and user_id = ${userId} and removed_at is null for update
    ), changed as (
      update collaborators c set role = ${role} from before where c.id = before.id and c.role <> ${role}
      returning c.user_id as entity_id, c.project_id, ${organizationOf(sql)},
                ${change(sql, "role", sql`before.role`, sql`c.role`)}
    ) ${note(sql, by, CHANGED)}`;
}

/** Takes a role away; the row stays, so that who once had access is known. */
export async function removeCollaborator(
  sql: SqlOrTransaction,
  { projectId, userId }: Collaboration,
  by: Actor,
): Promise<void> {
  await sql`
    with changed as (
      update collaborators set removed_at = now()
      where project_id = ${projectId} and user_id = ${userId} and removed_at is null
      returning user_id as entity_id, project_id, ${organizationOf(sql)}, ${change(sql, "role", sql`role`, sql`null`)}
    ) ${note(sql, by, CHANGED)}`;
}
