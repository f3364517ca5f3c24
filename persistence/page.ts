import type { PendingQuery, Row } from "postgres";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Position } from "../schema/api/cursor.ts";
import type { SqlOrTransaction } from "./database.ts";

/** A piece of a list: at most `limit` rows, those after a position; null begins at the start. */
export type Page = { readonly limit: number; readonly after: Position | null };

/** A row of a page. `sortKey` is the value it was ordered by, as text of PostgreSQL's: a cursor brings it back exactly. */
export type Paged<R> = R & { readonly id: string; readonly sortKey: string };

/** A page that PostgreSQL wrote: `rows` is a JSON array, `last` where the next page begins, null on the last. */
export type JsonPage = { readonly rows: string; readonly last: Position | null };

/** A time as the API shows it, as text: UTC, and milliseconds as a Date of JavaScript has them. */
export const moment = (
  sql: SqlOrTransaction,
  column: ReturnType<SqlOrTransaction>,
): ReturnType<SqlOrTransaction> =>
  sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * A cursor comes from outside: PostgreSQL knows times that nothing else does, such as `infinity`, and knows no 30th of
 * February and no year 0. To be given as `::text::timestamptz`: of a parameter that is a time the driver makes a Date,
 * which has no microseconds, and rows of the same millisecond would be left out.
 * @throws ScriptoriumError `bad_request`.
 */
export function readMoment(text: string): string {
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/u.test(text) && !text.startsWith("0000")) {
    const date = new Date(`${text.slice(0, 23)}Z`);
    if (!Number.isNaN(date.getTime()) && date.toISOString().slice(0, 23) === text.slice(0, 23)) {
      return text;
    }
  }
  throw new ScriptoriumError("bad_request", "The cursor is not one of this list in this order");
}

/** A point in time as {@link readMoment} takes it again, to the microsecond. */
export const momentKey = (sql: SqlOrTransaction, column: PendingQuery<Row[]>) =>
  sql`to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
