import { reachOf } from "../../extensions/rights.ts";
import { searchPage } from "../../persistence/search.ts";
import { cut, pageOf } from "./page.ts";
import type { Handlers } from "./serve.ts";

/** The routes of `schema/api/search.ts`. */
export const searchHandlers = {
  async search({ sql, principal, query }) {
    const { q, projectId = null, type = null } = query;
    // A key that may not read sees nothing, as in every list.
    if (principal.kind === "key" && !principal.scopes.includes("docs:read")) {
      return { body: { results: [], nextCursor: null } };
    }
    // A cursor of one search is none of another.
    const order = `-rank:${q}`;
    const page = pageOf(order, query);
    const found = await searchPage(sql, reachOf(principal), { q, projectId, type }, page);
    const { rows, nextCursor } = cut(order, page, found);
    const results = rows.map(({ id, sortKey: _, ...row }) => ({ documentId: id, ...row }));
    return { body: { results, nextCursor } };
  },
} satisfies Handlers;
