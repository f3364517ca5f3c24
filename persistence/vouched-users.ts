import { note, type Actor } from "./activities.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";

/** Whom and what the host application names: an address in lower case, and an organization's slug if any. */
export type Vouched = { readonly email: string; readonly organization: string | null };

/** Who and what that is here; null for what does not exist. */
export type FoundVouched = {
  readonly userId: string | null;
  readonly organizationId: string | null;
};

/**
 * Finds users by address, in whatever case it is stored, and organizations by slug.
 * Only an address that is not stored in lower case costs more than a look into an index.
 */
export async function findVouched(
  sql: SqlOrTransaction,
  vouched: readonly Vouched[],
): Promise<FoundVouched[]> {
  const asked = toJsonb(vouched.map((each, place) => ({ ...each, place })));
  const rows = await sql<(FoundVouched & { place: number })[]>`
    select q.place, u.id as "userId", o.id as "organizationId"
    from jsonb_to_recordset(${asked}::text::jsonb) as q(place int, email text, organization text)
    left join lateral (
      -- The limit ends this before the second half where the first finds somebody.
      select id from users where email = q.email
      union all
      select id from users where lower(email collate "C") = q.email
      limit 1
    ) as u on true
    left join organizations o on o.slug = q.organization and o.deleted_at is null`;
  const found = new Map(rows.map(({ place, ...each }) => [place, each]));
  return vouched.map((_, place) => found.get(place) ?? { userId: null, organizationId: null });
}

/** Who does what a JWT of the host application brings about by itself. */
const HOST_APPLICATION: Actor = { type: "system", id: null, via: "jwt" };

/** Tells in the audit log that these users came by a JWT. Each once, however often he is named. */
export async function noteSignIns(
  sql: SqlOrTransaction,
  userIds: readonly string[],
): Promise<null[]> {
  await sql`
    insert into activities (entity_type, action, actor_type, actor_id, entity_id, metadata)
    select 'user', 'signed_in', 'user', id, id, '{"via": "jwt"}'
    from (select distinct unnest(${`{${userIds.join(",")}}`}::text::uuid[]) as id) as came`;
  return userIds.map(() => null);
}

/**
 * Makes a user whom the host application vouches for; does nothing when somebody else just has.
 * The id is asked for again by `findVouched`: it may be the other one's.
 */
export async function addVouchedUser(
  sql: SqlOrTransaction,
  { email, name }: { email: string; name: string },
): Promise<void> {
  await sql`
    with changed as (
      insert into users (email, name) values (${email}, ${name}) on conflict (email) do nothing
      returning id as entity_id
    ) ${note(sql, HOST_APPLICATION, { entity: "user", action: "created" })}`;
}
