import type { OrganizationRole } from "../schema/closed-sets.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Role } from "../schema/roles.ts";
import { uniquely, type SqlOrTransaction } from "./database.ts";
import type { Page, Paged } from "./page.ts";
import type { Reach } from "./reach.ts";

/** A project as it is stored. */
export type StoredProject = {
  readonly id: string;
  readonly organizationId: string;
  readonly name: string;
  readonly slug: string;
  readonly description: string | null;
  readonly archivedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** What somebody is in a project: through the organization, and by himself. */
export type ProjectStanding = {
  readonly membership: OrganizationRole | null;
  readonly collaboration: Role | null;
};

/** Which projects are asked for; `organizationId` null: of all organizations. */
export type ProjectFilter = {
  readonly organizationId: string | null;
  readonly isArchived: boolean;
};

/** The projects within reach, by name. */
export async function projectPage(
  sql: SqlOrTransaction,
  { userId, onlyOrganizationId, onlyProjectId, isGranted }: Reach,
  { organizationId, isArchived }: ProjectFilter,
  { limit, after }: Page,
): Promise<Paged<StoredProject & ProjectStanding>[]> {
  return sql`
    select ${columns(sql)}, m.role as membership, c.role as collaboration, lower(p.name) as "sortKey"
    from projects p
    join organizations o on o.id = p.organization_id and o.deleted_at is null
    left join organization_members m on m.organization_id = o.id and m.user_id = ${userId}
    left join collaborators c on c.project_id = p.id and c.user_id = ${userId} and c.removed_at is null
    where (m.id is not null or c.id is not null or (${isGranted} and o.id = ${onlyOrganizationId}::uuid))
      and (${onlyOrganizationId}::uuid is null or o.id = ${onlyOrganizationId}::uuid)
      and (${onlyProjectId}::uuid is null or p.id = ${onlyProjectId}::uuid)
      and (${organizationId}::uuid is null or o.id = ${organizationId}::uuid)
      and (p.archived_at is not null) = ${isArchived}
      and (${after === null} or (lower(p.name), p.id) > (${after?.value ?? ""}, ${after?.id ?? null}::uuid))
    order by lower(p.name), p.id limit ${limit}`;
}

/** Locked until the transaction ends when it is about to be changed. @throws ScriptoriumError `not_found`. */
export async function readProject(
  sql: SqlOrTransaction,
  id: string,
  { forUpdate = false }: { forUpdate?: boolean } = {},
): Promise<StoredProject> {
  const [row] = await sql<StoredProject[]>`
    select ${columns(sql)} from projects p where p.id = ${id} ${forUpdate ? sql`for no key update` : sql``}`;
  if (row === undefined) throw new ScriptoriumError("not_found", "There is no such project");
  return row;
}

const columns = (sql: SqlOrTransaction) => sql`
  p.id, p.organization_id as "organizationId", p.name, p.slug, p.description, p.archived_at as "archivedAt",
  p.created_at as "createdAt", p.updated_at as "updatedAt"`;

/** Changes of a project; what is undefined stays as it is. */
export type ProjectChange = {
  readonly name?: string | undefined;
  readonly slug?: string | undefined;
  readonly description?: string | null | undefined;
  readonly archived?: boolean | undefined;
};

/** Changes what is given; one that is archived already keeps the time. @throws ScriptoriumError `conflict` when the slug is taken. */
export async function changeProject(
  sql: SqlOrTransaction,
  id: string,
  { name, slug, description, archived }: ProjectChange,
): Promise<void> {
  await uniquely(
    sql`
      update projects set
        name = coalesce(${name ?? null}, name),
        slug = coalesce(${slug ?? null}, slug),
        description = case when ${description === undefined} then description else ${description ?? null} end,
        archived_at = case ${archived ?? null}::boolean
          when true then coalesce(archived_at, now()) when false then null else archived_at end
      where id = ${id}`,
    "The organization has a project of this slug already",
  );
}
