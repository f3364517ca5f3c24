import type { Position } from "../schema/api/cursor.ts";
import type { SqlOrTransaction } from "./database.ts";

/** A piece of a list: at most `limit` rows, those after a position; null begins at the start. */
export type Page = { readonly limit: number; readonly after: Position | null };

/** A row of a page. `sortKey` is the value it was ordered by, as text of PostgreSQL's: a cursor brings it back exactly. */
export type Paged<Row> = Row & { readonly id: string; readonly sortKey: string };

/** A page that PostgreSQL wrote: `rows` is a JSON array, `last` where the next page begins, null on the last. */
export type JsonPage = { readonly rows: string; readonly last: Position | null };

/** A time as the API shows it, as text: UTC, and milliseconds as a Date of JavaScript has them. */
export const moment = (
  sql: SqlOrTransaction,
  column: ReturnType<SqlOrTransaction>,
): ReturnType<SqlOrTransaction> =>
  sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
