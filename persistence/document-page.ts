import type { DocumentOrder } from "../schema/api/documents.ts";
import type { DocumentType } from "../schema/closed-sets.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { SqlOrTransaction } from "./database.ts";
import type { Right } from "../schema/roles.ts";
import { moment, type JsonPage, type Page } from "./page.ts";

/** Which documents of a project are listed. Null: whatever it is. */
export type DocumentFilter = {
  readonly projectId: string;
  readonly type: DocumentType | null;
  readonly featureId: string | null;
  readonly isDeleted: boolean;
  /** How the title begins, whatever the case. */
  readonly titlePrefix: string | null;
};

type Key = "title" | "createdAt" | "updatedAt" | "sortOrder";

/**
 * What each order compares, how its value is written in a cursor, and read back. A time is written in microseconds
 * since 1970, which is all that PostgreSQL keeps of it: no row lies between a page and the next.
 */
const KEYS = {
  title: {
    form: /^[^\0]*$/u,
    column: (sql) => sql`d.title`,
    written: (sql) => sql`d.title`,
    read: (sql, value) => sql`${value}::text`,
  },
  createdAt: timeKey((sql) => sql`d.created_at`),
  updatedAt: timeKey((sql) => sql`d.updated_at`),
  sortOrder: {
    form: /^-?\d{1,10}$/u,
    column: (sql) => sql`d.sort_order::bigint`,
    written: (sql) => sql`d.sort_order::text`,
    read: (sql, value) => sql`${value}::text::bigint`,
  },
} satisfies Record<Key, OrderKey>;

type OrderKey = {
  readonly form: RegExp;
  column(sql: SqlOrTransaction): unknown;
  written(sql: SqlOrTransaction): unknown;
  read(sql: SqlOrTransaction, value: string): unknown;
};

function timeKey(column: (sql: SqlOrTransaction) => ReturnType<SqlOrTransaction>): OrderKey {
  return {
    form: /^\d{1,16}$/u,
    column,
    written: (sql) => sql`(extract(epoch from ${column(sql)}) * 1000000)::bigint::text`,
    read: (sql, value) =>
      sql`(timestamptz 'epoch' + ${value}::text::float8 * interval '1 microsecond')`,
  };
}

/** What of a project's documents is asked for, and what the caller may do with each. */
export type DocumentList = {
  readonly filter: DocumentFilter;
  readonly order: DocumentOrder;
  readonly rights: readonly Right[];
};

/**
 * A page of a project's documents, in this order and then by id, as the contract shows them. PostgreSQL writes the
 * JSON: 200 lists a second, parsed and written again row by row, cost the main thread as much as all typing.
 * @throws ScriptoriumError `bad_request` when the position is none of this order.
 */
export async function documentPage(
  sql: SqlOrTransaction,
  { filter, order, rights }: DocumentList,
  page: Page,
): Promise<JsonPage> {
  // Both aggregates take the rows in the order of the innermost select.
  const [found] = await sql<JsonPage[]>`
    select coalesce('[' || string_agg(row_to_json(shown)::text, ',') filter (where n < ${page.limit}) || ']', '[]')
             as rows,
           case when count(*) = ${page.limit} then
             json_build_object('value', max("sortKey") filter (where n = ${page.limit}::int - 1),
                               'id', max(found.id::text) filter (where n = ${page.limit}::int - 1)) end as last
    from (select *, row_number() over () as n from (${selected(sql, filter, order, page)}) as ordered) as found,
    lateral (select found.id, "organizationId", "projectId", "featureId", type, title, slug, "sortOrder", "createdBy",
                    "createdAt", "updatedAt", "deletedAt", ${JSON.stringify(rights)}::text::json as rights) as shown`;
  return found ?? { rows: "[]", last: null };
}

function selected(
  sql: SqlOrTransaction,
  filter: DocumentFilter,
  order: DocumentOrder,
  { limit, after }: Page,
): ReturnType<SqlOrTransaction> {
  const isDescending = order.startsWith("-");
  const key: OrderKey = KEYS[order.replace("-", "") as Key];
  if (after !== null && !key.form.test(after.value)) {
    throw new ScriptoriumError("bad_request", "The cursor is not one of this list in this order");
  }
  const direction = isDescending ? sql`desc` : sql`asc`;
  const column = key.column(sql) as ReturnType<typeof sql>;
  const position =
    after === null
      ? sql`true`
      : sql`(${column}, d.id) ${isDescending ? sql`<` : sql`>`} (${key.read(sql, after.value) as typeof column}, ${after.id}::uuid)`;
  return sql`
    select d.id, p.organization_id as "organizationId", d.project_id as "projectId", d.feature_id as "featureId",
           d.type, d.title, d.slug, d.sort_order as "sortOrder", d.created_by as "createdBy",
           ${moment(sql, sql`d.created_at`)} as "createdAt", ${moment(sql, sql`d.updated_at`)} as "updatedAt",
           ${moment(sql, sql`d.deleted_at`)} as "deletedAt", ${key.written(sql) as typeof column} as "sortKey"
    from documents d join projects p on p.id = d.project_id
    where d.project_id = ${filter.projectId}
      and ${filter.isDeleted ? sql`d.deleted_at is not null` : sql`d.deleted_at is null`}
      and (${filter.type}::text is null or d.type = ${filter.type}::text)
      and (${filter.featureId}::uuid is null or d.feature_id = ${filter.featureId}::uuid)
      and (${filter.titlePrefix}::text is null or starts_with(lower(d.title), lower(${filter.titlePrefix}::text)))
      and ${position}
    order by ${column} ${direction}, d.id ${direction} limit ${limit}`;
}
