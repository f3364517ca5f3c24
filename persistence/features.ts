import { ScriptoriumError } from "../schema/errors.ts";
import { uniquely, type SqlOrTransaction } from "./database.ts";
import type { Page, Paged } from "./page.ts";

/** A feature as it is stored. */
export type StoredFeature = {
  readonly id: string;
  readonly projectId: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly slug: string;
  readonly sortOrder: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** What a feature starts with. */
export type NewFeature = Pick<
  StoredFeature,
  "projectId" | "parentId" | "name" | "slug" | "sortOrder"
>;

/** Changes of a feature; what is undefined stays as it is. */
export type FeatureChange = {
  readonly [K in "name" | "slug" | "parentId" | "sortOrder"]?: StoredFeature[K] | undefined;
};

/** The features of a project on all levels, by sort order and name. @throws ScriptoriumError `bad_request` for a position of another list. */
export async function featurePage(
  sql: SqlOrTransaction,
  projectId: string,
  { limit, after }: Page,
): Promise<Paged<StoredFeature>[]> {
  const [sortOrder, name] = after === null ? [0, ""] : readSortKey(after.value);
  return sql`
    select ${columns(sql)}, sort_order || ':' || lower(name) as "sortKey" from features
    where project_id = ${projectId} and deleted_at is null
      and (${after === null} or (sort_order, lower(name), id) > (${sortOrder}::int, ${name}, ${after?.id ?? null}::uuid))
    order by sort_order, lower(name), id limit ${limit}`;
}

/** A cursor comes from outside: what is no integer of PostgreSQL's must not reach it. */
function readSortKey(text: string): [number, string] {
  const match = /^(?<order>-?\d{1,10}):(?<name>.*)$/su.exec(text);
  const order = Number(match?.groups?.["order"] ?? Number.NaN);
  // `| 0` is what an integer of 32 bits makes of it.
  if ((order | 0) === order) return [order, match?.groups?.["name"] ?? ""];
  throw new ScriptoriumError("bad_request", "The cursor is not one of this list");
}

/** @throws ScriptoriumError `not_found`. */
export async function readFeature(sql: SqlOrTransaction, id: string): Promise<StoredFeature> {
  const [row] = await sql<StoredFeature[]>`
    select ${columns(sql)} from features where id = ${id} and deleted_at is null`;
  if (row === undefined) throw new ScriptoriumError("not_found", "There is no such feature");
  return row;
}

const columns = (sql: SqlOrTransaction) => sql`
  id, project_id as "projectId", parent_id as "parentId", name, slug, sort_order as "sortOrder",
  created_at as "createdAt", updated_at as "updatedAt"`;

/** The first half of the advisory lock of a project's tree: the letters "feat". */
const FEATURES_LOCK = 0x66656174;

/**
 * Maintained invariant: features are a tree. Whoever changes its shape holds its lock until the transaction ends.
 * Not the row of the project: whoever makes a document holds that, while it waits for a feature that we hold.
 */
export async function lockFeatures(sql: SqlOrTransaction, projectId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(${FEATURES_LOCK}::int, hashtext(${projectId}))`;
}

/** Puts a feature into the tree, which must be locked. @throws ScriptoriumError `not_found`, `conflict`. */
export async function insertFeature(sql: SqlOrTransaction, feature: NewFeature): Promise<string> {
  const { projectId, parentId, name, slug, sortOrder } = feature;
  if (parentId !== null) await pathTo(sql, { projectId, parentId });
  const [row] = await uniquely(
    sql<{ id: string }[]>`
      insert into features (project_id, parent_id, name, slug, sort_order)
      values (${projectId}, ${parentId}, ${name}, ${slug}, ${sortOrder}) returning id`,
    SLUG_TAKEN,
  );
  if (row === undefined) throw new ScriptoriumError("internal", "No feature was inserted");
  return row.id;
}

const SLUG_TAKEN = "The project has a feature of this slug already";

/** Changes what is given; the tree must be locked. @throws ScriptoriumError `not_found`, `conflict`. */
export async function changeFeature(
  sql: SqlOrTransaction,
  { id, projectId }: Pick<StoredFeature, "id" | "projectId">,
  { name, slug, parentId, sortOrder }: FeatureChange,
): Promise<void> {
  if (typeof parentId === "string") {
    const path = await pathTo(sql, { projectId, parentId });
    if (path.includes(id)) {
      throw new ScriptoriumError("conflict", "A feature cannot lie below itself");
    }
  }
  await uniquely(
    sql`
      update features set
        name = coalesce(${name ?? null}, name),
        slug = coalesce(${slug ?? null}, slug),
        sort_order = coalesce(${sortOrder ?? null}::int, sort_order),
        parent_id = case when ${parentId === undefined} then parent_id else ${parentId ?? null}::uuid end
      where id = ${id}`,
    SLUG_TAKEN,
  );
}

/** The ids from a parent up to the top. @throws ScriptoriumError `not_found` for one that is not in this project [A1]. */
async function pathTo(
  sql: SqlOrTransaction,
  { projectId, parentId }: { projectId: string; parentId: string },
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    with recursive path as (
      select id, parent_id from features
      where id = ${parentId} and project_id = ${projectId} and deleted_at is null
      union
      select f.id, f.parent_id from features f join path on f.id = path.parent_id)
    select id from path`;
  if (rows.length === 0) {
    throw new ScriptoriumError("not_found", "There is no such parent in this project");
  }
  return rows.map(({ id }) => id);
}

/**
 * Deletes a feature and all below it; the tree must be locked. Their documents have no feature then.
 * Documents are locked before features, as by whoever moves one from feature to feature. Then the features: who holds
 * one to put a document into it is waited for, and the last statement sees that document too.
 * No slug holds a `~`, so those they had are free again.
 */
export async function removeFeature(sql: SqlOrTransaction, id: string): Promise<void> {
  const below = await sql<{ id: string }[]>`
    with recursive below as (
      select id from features where id = ${id} and deleted_at is null
      union
      select f.id from features f join below on f.parent_id = below.id where f.deleted_at is null)
    select id from below`;
  const ids = `{${below.map((feature) => feature.id).join(",")}}`;
  await sql`
    select 1 from documents where feature_id = any(${ids}::text::uuid[]) order by id for no key update`;
  await sql`
    update features set deleted_at = now(), slug = slug || '~' || id where id = any(${ids}::text::uuid[])`;
  await sql`update documents set feature_id = null where feature_id = any(${ids}::text::uuid[])`;
}
