import type { OrganizationRole } from "../schema/closed-sets.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { uniquely, type SqlOrTransaction } from "./database.ts";
import type { Page, Paged } from "./page.ts";
import type { Reach } from "./reach.ts";

/** An organization as it is stored. */
export type StoredOrganization = {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** The organizations within reach, by name; `membership` is null for one that is only granted. */
export async function organizationPage(
  sql: SqlOrTransaction,
  { userId, onlyOrganizationId, isGranted }: Reach,
  { limit, after }: Page,
): Promise<Paged<StoredOrganization & { readonly membership: OrganizationRole | null }>[]> {
  return sql`
    select o.id, o.name, o.slug, o.created_at as "createdAt", o.updated_at as "updatedAt",
           m.role as membership, lower(o.name) as "sortKey"
    from organizations o
    left join organization_members m on m.organization_id = o.id and m.user_id = ${userId}
    where o.deleted_at is null and (m.id is not null or ${isGranted})
      and (${onlyOrganizationId}::uuid is null or o.id = ${onlyOrganizationId}::uuid)
      and (${after === null} or (lower(o.name), o.id) > (${after?.value ?? ""}, ${after?.id ?? null}::uuid))
    order by lower(o.name), o.id limit ${limit}`;
}

/** Locked until the transaction ends when it is about to be changed. @throws ScriptoriumError `not_found`. */
export async function readOrganization(
  sql: SqlOrTransaction,
  id: string,
  { forUpdate = false }: { forUpdate?: boolean } = {},
): Promise<StoredOrganization> {
  const [row] = await sql<StoredOrganization[]>`
    select id, name, slug, created_at as "createdAt", updated_at as "updatedAt"
    from organizations where id = ${id} and deleted_at is null ${forUpdate ? sql`for no key update` : sql``}`;
  if (row === undefined) throw new ScriptoriumError("not_found", "There is no such organization");
  return row;
}

/** Changes what is given. @throws ScriptoriumError `conflict` when the slug is taken. */
export async function changeOrganization(
  sql: SqlOrTransaction,
  id: string,
  { name, slug }: { name?: string | undefined; slug?: string | undefined },
): Promise<void> {
  await uniquely(
    sql`update organizations set name = coalesce(${name ?? null}, name), slug = coalesce(${slug ?? null}, slug) where id = ${id}`,
    "The slug is taken",
  );
}

/** Gone for everybody at once; its rows stay. No slug holds a `~`, so the one it had is free again. */
export async function removeOrganization(sql: SqlOrTransaction, id: string): Promise<void> {
  await sql`
    update organizations set deleted_at = now(), slug = slug || '~' || id
    where id = ${id} and deleted_at is null`;
}
