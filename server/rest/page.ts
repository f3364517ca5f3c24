import type { JsonPage, Page, Paged } from "../../persistence/page.ts";
import { decodeCursor, encodeCursor } from "../../schema/api/cursor.ts";

/** The page that a query asks for, and one row more, which tells whether there is another. */
export const pageOf = (
  order: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Page => ({
  limit: limit + 1,
  after: cursor === undefined ? null : decodeCursor(order, cursor),
});

/** The rows to show, and where the next page begins; null on the last. */
export function cut<Row>(
  order: string,
  { limit }: Page,
  rows: readonly Paged<Row>[],
): { readonly rows: readonly Paged<Row>[]; readonly nextCursor: string | null } {
  const shown = rows.slice(0, limit - 1);
  const last = shown.at(-1);
  if (rows.length < limit || last === undefined) return { rows: shown, nextCursor: null };
  return { rows: shown, nextCursor: encodeCursor(order, { value: last.sortKey, id: last.id }) };
}

/** A page that PostgreSQL wrote as the JSON of an answer, its rows under this name. */
export const jsonPage = (
  name: string,
  order: string,
  { rows, last }: JsonPage,
): { readonly json: string } => {
  const nextCursor = last === null ? null : encodeCursor(order, last);
  return { json: `{"${name}":${rows},"nextCursor":${JSON.stringify(nextCursor)}}` };
};
