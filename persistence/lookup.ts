import type { SqlOrTransaction } from "./database.ts";

/** A project, with the organization that it belongs to. */
export type FoundProject = { readonly organizationId: string; readonly projectId: string };

/** A person as an administrator names him. */
export type FoundUser = { readonly userId: string; readonly email: string };

/** The user with this address, written in whatever case; null when there is none. */
export async function findUser(sql: SqlOrTransaction, email: string): Promise<FoundUser | null> {
  const [row] = await sql<FoundUser[]>`
    select id as "userId", email from users where lower(email collate "C") = lower(${email} collate "C")`;
  return row ?? null;
}

/** The id of the organization with this slug; null when there is none or it was deleted. */
export async function findOrganization(
  sql: SqlOrTransaction,
  slug: string,
): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`
    select id from organizations where slug = ${slug} and deleted_at is null`;
  return row?.id ?? null;
}

/** The project with these two slugs; null when there is none. */
export async function findProject(
  sql: SqlOrTransaction,
  slugs: { organization: string; project: string },
): Promise<FoundProject | null> {
  const [row] = await sql<FoundProject[]>`
    select p.organization_id as "organizationId", p.id as "projectId"
    from projects p join organizations o on o.id = p.organization_id
    where o.slug = ${slugs.organization} and p.slug = ${slugs.project} and o.deleted_at is null`;
  return row ?? null;
}

/** The id of the organization's agent with this code; null when there is none or it was deleted. */
export async function findAgent(
  sql: SqlOrTransaction,
  { organizationId, code }: { organizationId: string; code: string },
): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`
    select id from agents
    where organization_id = ${organizationId} and agent_code = ${code} and deleted_at is null`;
  return row?.id ?? null;
}

/** The organizations that a user is a member of, by slug. */
export async function organizationsOf(
  sql: SqlOrTransaction,
  userId: string,
): Promise<{ readonly organizationId: string; readonly slug: string }[]> {
  return sql<{ organizationId: string; slug: string }[]>`
    select o.id as "organizationId", o.slug
    from organization_members m join organizations o on o.id = m.organization_id
    where m.user_id = ${userId} and o.deleted_at is null order by o.slug`;
}
