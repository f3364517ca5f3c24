import type { DocumentType } from "../schema/closed-sets.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { SqlOrTransaction } from "./database.ts";
import type { Page, Paged } from "./page.ts";
import type { Reach } from "./reach.ts";

/** What is looked for. Null: wherever, whatever it is. */
export type Search = {
  readonly q: string;
  readonly projectId: string | null;
  readonly type: DocumentType | null;
};

/** A piece of plain text, and whether it is what was looked for. */
export type MarkedText = { readonly text: string; readonly isMatch: boolean };

/** A document that was found. */
export type FoundDocument = {
  readonly id: string;
  readonly organizationId: string;
  readonly projectId: string;
  readonly type: DocumentType;
  readonly slug: string;
  readonly rank: number;
  readonly title: readonly MarkedText[];
  readonly snippet: readonly MarkedText[];
};

/** A search that takes longer is given up, ms: it holds a connection that others need. */
const TIMEOUT_MS = 3_000;

/** Characters of a document that a snippet is looked for in: PostgreSQL reads all of it for each result. */
const SNIPPET_SOURCE = 20_000;

/** What a match is put between; as what follows, it is taken out of the words before, so no document can write it. */
const START = "\u0001";
const STOP = "\u0002";

/**
 * What stands for `<`, `>` and `/` while a match is looked for: PostgreSQL takes words between the first two for a tag
 * and drops it, and words beside the third for the name of a file, of which it finds the whole only.
 */
const LESS = "\u0003";
const MORE = "\u0004";
const SLASH = "\u0005";

type Row = Omit<Paged<FoundDocument>, "title" | "snippet"> & {
  readonly title: string;
  readonly snippet: string;
};

/**
 * Documents within reach that have these words, by rank and then by id; one row for each.
 * @throws ScriptoriumError `bad_request` when the position is none of a search.
 */
export async function searchPage(
  sql: SqlOrTransaction,
  reach: Reach,
  search: Search,
  page: Page,
): Promise<Paged<FoundDocument>[]> {
  if (page.after !== null && !/^\d{1,3}\.\d{6}$/u.test(page.after.value)) {
    throw new ScriptoriumError("bad_request", "The cursor is not one of this list in this order");
  }
  const find = async (tx: SqlOrTransaction): Promise<Row[]> => {
    // Compiling a statement of this size takes longer than running it.
    await tx`
      select set_config('statement_timeout', ${String(TIMEOUT_MS)}, true), set_config('jit', 'off', true)`;
    return found(tx, reach, search, page);
  };
  const rows: Row[] = "begin" in sql ? await sql.begin((tx) => find(tx)) : await find(sql);
  return rows.map((row) => ({ ...row, title: marked(row.title), snippet: marked(row.snippet) }));
}

/**
 * Without parentheses, which mean nothing in a search, and without dashes that stand before no word: PostgreSQL stacks
 * 32 of them at most and fails ("tsquery stack too small"), which is the one thing `websearch_to_tsquery` fails at.
 * Words are divided at `<`, `>` and `/`, as they are in the indexes.
 */
const withoutStacks = (q: string): string =>
  q
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S}]|[()<>/]/gu, " ")
    .replaceAll(/-(?![\p{L}\p{N}"])|-(?=""|"-)/gu, " ");

/**
 * Both kinds of matches come from a GIN index, `idx_document_words_search` and `idx_documents_title_search`: the
 * expressions have to stay those of the indexes. A title that matches counts more than any text. The rank is rounded,
 * so that a cursor brings it back exactly. Snippets are made of the page's rows only.
 */
function found(
  tx: SqlOrTransaction,
  { userId, onlyOrganizationId, onlyProjectId, isGranted }: Reach,
  { q, projectId, type }: Search,
  { limit, after }: Page,
): PromiseLike<Row[]> {
  const query: Sqlish = tx`websearch_to_tsquery('english', ${withoutStacks(q)})`;
  return tx<Row[]>`
    with best as (${best(tx, query)}
    ), page as materialized (
      select d.id, p.organization_id, d.project_id, d.type, d.slug, d.title, b.rank, coalesce(b.piece, 0) as piece
      from best b
      join documents d on d.id = b.document_id and d.deleted_at is null
      join projects p on p.id = d.project_id
      join organizations o on o.id = p.organization_id and o.deleted_at is null
      left join organization_members m on m.organization_id = o.id and m.user_id = ${userId}
      left join collaborators c on c.project_id = p.id and c.user_id = ${userId} and c.removed_at is null
      where (m.id is not null or c.id is not null or (${isGranted} and o.id = ${onlyOrganizationId}::uuid))
        and (${onlyOrganizationId}::uuid is null or o.id = ${onlyOrganizationId}::uuid)
        and (${onlyProjectId}::uuid is null or p.id = ${onlyProjectId}::uuid)
        and (${projectId}::uuid is null or p.id = ${projectId}::uuid)
        and (${type}::text is null or d.type = ${type}::text)
        and (${after === null} or b.rank < ${after?.value ?? "0"}::text::numeric
             or (b.rank = ${after?.value ?? "0"}::text::numeric and d.id > ${after?.id ?? null}::uuid))
      order by b.rank desc, d.id limit ${limit}
    )
    select page.id, page.organization_id as "organizationId", page.project_id as "projectId", page.type, page.slug,
           page.rank::float8 as rank, page.rank::text as "sortKey",
           ${headline(tx, tx`page.title`, query, "HighlightAll=true")} as title,
           coalesce(${headline(tx, tx`left(w.words, ${SNIPPET_SOURCE})`, query, FRAGMENTS)}, '') as snippet
    from page left join document_words w on w.document_id = page.id and w.piece = page.piece
    order by page.rank desc, page.id`;
}

/** The rank of each document that matches, and the piece of its text that does best; null: its title does. */
const best = (tx: SqlOrTransaction, query: Sqlish) => tx`
  select document_id, (array_agg(piece order by score desc, piece) filter (where piece is not null))[1] as piece,
         round((coalesce(max(score) filter (where piece is not null), 0)
                + coalesce(max(score) filter (where piece is null), 0))::numeric, 6) as rank
  from (
    select w.document_id, w.piece, ts_rank(w.search, ${query}, 32) as score
    from document_words w where w.search @@ ${query}
    union all
    select t.id, null, 1 + ts_rank(to_tsvector('english', translate(t.title, '<>/', '   ')), ${query}, 32)
    from documents t where to_tsvector('english', translate(t.title, '<>/', '   ')) @@ ${query}
  ) as matches group by document_id`;

const FRAGMENTS = 'MaxFragments=2, MaxWords=24, MinWords=8, FragmentDelimiter=" … "';

type Sqlish = ReturnType<SqlOrTransaction>;

const headline = (
  tx: SqlOrTransaction,
  words: Sqlish,
  query: Sqlish,
  options: string,
): Sqlish => tx`
  ts_headline('english', translate(${words}, ${`<>/${LESS}${MORE}${SLASH}${START}${STOP}`}, ${LESS + MORE + SLASH}), ${query},
              ${`StartSel="${START}", StopSel="${STOP}", ${options}`})`;

/** What stands between the marks, and what does not. */
function marked(text: string): MarkedText[] {
  const shown = text.replaceAll(LESS, "<").replaceAll(MORE, ">").replaceAll(SLASH, "/");
  const parts = shown.split(START).flatMap((piece, index) => {
    if (index === 0) return [{ text: piece, isMatch: false }];
    const [match = "", ...rest] = piece.split(STOP);
    return [
      { text: match, isMatch: true },
      { text: rest.join(""), isMatch: false },
    ];
  });
  return parts.filter((part) => part.text !== "");
}
