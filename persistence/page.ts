import type { Position } from "../schema/api/cursor.ts";

/** A piece of a list: at most `limit` rows, those after a position; null begins at the start. */
export type Page = { readonly limit: number; readonly after: Position | null };

/** A row of a page. `sortKey` is the value it was ordered by, as text of PostgreSQL's: a cursor brings it back exactly. */
export type Paged<Row> = Row & { readonly id: string; readonly sortKey: string };
