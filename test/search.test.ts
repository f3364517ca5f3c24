import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApiClient } from "../client/api.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";
import { keyOf, signedIn } from "./support/roles.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

let rest: Rest;
let tenant: Tenant;
let foreign: Tenant;
let client: ApiClient;

beforeAll(async () => {
  rest = await startRest();
  [tenant, foreign] = [await createTenant(rest.sql), await createTenant(rest.sql)];
  client = rest.client(tenant.token);
});
afterAll(() => rest.close());

/** A document with these words, as the projector keeps them. */
async function documentWith(words: string, title = "Nothing", of = tenant): Promise<string> {
  const { documentId } = await of.document({ title });
  await rest.sql`insert into document_words (document_id, piece, words) values (${documentId}, 0, ${words})`;
  return documentId;
}

const results = async (q: string, query = {}, by = client) =>
  (await by.search({ query: { q, ...query } })).body.results;
const ids = async (q: string, query = {}, by = client) =>
  (await results(q, query, by)).map(({ documentId }) => documentId);

test("words are found in every form, the title first, and each document once", async () => {
  const inText = await documentWith("Here somebody paints a giraffe, and giraffes again");
  const inTitle = await documentWith("nothing of it", "The giraffe");
  const inBoth = await documentWith("a giraffe", "Giraffes");
  expect(await ids("giraffes")).toEqual([inBoth, inTitle, inText]);
  const [found] = (await results("giraffes painting")).filter((each) => each.documentId === inText);
  expect(found?.snippet.filter(({ isMatch }) => isMatch).map(({ text }) => text)).toEqual([
    "paints",
    "giraffe",
    "giraffes",
  ]);
  expect(found?.snippet.map(({ text }) => text).join("")).toContain("somebody paints a giraffe");
  expect(found?.title).toEqual([{ text: "Nothing", isMatch: false }]);
  expect(await ids('"paints a giraffe"')).toEqual([inText]);
  expect(new Set(await ids("giraffe -paints"))).toEqual(new Set([inBoth, inTitle]));
});

test("what the projector writes of an edit is found", async () => {
  const params = { projectId: tenant.projectId };
  const body = {
    title: "T",
    type: "feature_requirements" as const,
    markdown: "An okapi stands here",
  };
  const made = await client.createDocument({ params, body });
  await until(async () => (await ids("okapis")).includes(made.body.id), {
    timeoutMs: 30_000,
    describe: "the words can be found",
  });
});

test("[A1] only what one may read is found, and nothing that is deleted", async () => {
  const own = await documentWith("a wombat");
  const theirs = await documentWith("a wombat", "Wombat", foreign);
  const guest = await signedIn(rest.sql, tenant, { collaborator: "viewer" });
  const nobody = await signedIn(rest.sql, tenant, {});
  const key = await keyOf(rest.sql, tenant, { projectId: tenant.projectId });
  const writer = await keyOf(rest.sql, tenant, { scopes: ["docs:write"] });
  const elsewhere = await keyOf(rest.sql, foreign);
  const by = (token: string) => ids("wombat", {}, rest.client(token));
  expect(await ids("wombat")).toEqual([own]);
  expect(await by(guest.token)).toEqual([own]);
  expect(await by(key.token)).toEqual([own]);
  expect(await by(elsewhere.token)).toEqual([theirs]);
  expect(await by(nobody.token)).toEqual([]);
  expect(await by(writer.token)).toEqual([]);
  expect(await ids("wombat", { projectId: foreign.projectId })).toEqual([]);
  expect(await ids("wombat", { type: "system_diagram" })).toEqual([]);
  await client.deleteDocument({ params: { documentId: own } });
  expect(await ids("wombat")).toEqual([]);
});

test("pages show each document once, and a cursor belongs to its search", async () => {
  const made = new Set<string>();
  for (let index = 0; index < 7; index += 1) made.add(await documentWith("one narwhal"));
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { q: "narwhal", limit: 3, ...(cursor !== undefined && { cursor }) };
    const { body } = await client.search({ query });
    seen.push(...body.results.map(({ documentId }) => documentId));
    cursor = body.nextCursor ?? undefined;
    if (cursor !== undefined) {
      const other = client.search({ query: { q: "wombat", cursor } });
      expect(await codeOf(other)).toBe("bad_request");
    }
  } while (cursor !== undefined);
  expect(seen).toHaveLength(7);
  expect(new Set(seen)).toEqual(made);
});

const HOSTILE = [
  "'",
  '"',
  "\\",
  "';drop table documents;--",
  "& | ! ( ) <-> :*",
  "%",
  "_",
  "((((",
  "-",
  "- -",
  "-nothing",
  "the",
  "or or or",
  '"""',
  "\u202e",
  "🦒",
  "a:b:c",
  "<script>alert(1)</script>",
  "-<-/->".repeat(30),
  "</".repeat(100),
  "x ".repeat(100),
  "-(".repeat(90),
  '-"-('.repeat(50),
  "-a ".repeat(66),
];

test("hostile queries are harmless, and those that are none are refused", async () => {
  const codeFor = (q: string) => codeOf(client.search({ query: { q } }));
  for (const q of HOSTILE) expect([q, await codeFor(q)]).toEqual([q, null]);
  for (const q of ["", "   ", "x".repeat(201), "a\u0000b", "\u0001"]) {
    expect([q, await codeFor(q)]).toEqual([q, "bad_request"]);
  }
});

test("a document cannot mark what does not match, and what it holds comes out as plain text", async () => {
  await documentWith("before \u0001evil\u0002 <img src=x onerror=alert(1)> quokka after");
  const [found] = await results("quokka");
  expect(found?.snippet.filter(({ isMatch }) => isMatch)).toEqual([
    { text: "quokka", isMatch: true },
  ]);
  expect(JSON.stringify(found)).not.toMatch(/\\u000[12]/u);
  const words = "List<String> or a \u0003<name> beside the numbat";
  await documentWith(words, "Of Map<Key>");
  const [whole] = await results("numbat");
  const textOf = (parts: { text: string }[] = []) => parts.map(({ text }) => text).join("");
  expect(textOf(whole?.snippet)).toBe(words.replace("\u0003", ""));
  expect(textOf(whole?.title)).toBe("Of Map<Key>");
});

test("words between < and >, and beside a slash, are found and shown as they stand", async () => {
  const words =
    "Dear <zanzibar visitor>, Herd<Ibex> is no magpies/kiwis \u0005or https://example.com/lemur";
  const made = await documentWith(words, "Either/Tapir<Gecko>");
  const all = ["zanzibar", "visitor", "herd", "ibex", "magpie", "kiwi", "lemur", "tapir", "gecko"];
  const written = ["<zanzibar visitor>", "Herd<Ibex>", "magpies/kiwis", "Either/Tapir<Gecko>"];
  for (const q of [...all, ...written, "https://example.com/lemur", '"zanzibar visitor"']) {
    expect([q, await ids(q)]).toEqual([q, [made]]);
  }
  const matches = (parts: { text: string; isMatch: boolean }[] = []): string[] =>
    parts.filter(({ isMatch }) => isMatch).map(({ text }) => text);
  const [found] = await results("kiwi zanzibar");
  expect(matches(found?.snippet)).toEqual(["zanzibar", "kiwis"]);
  expect(matches((await results("gecko"))[0]?.title)).toEqual(["Gecko"]);
  const textOf = (parts: { text: string }[] = []): string => parts.map(({ text }) => text).join("");
  expect(textOf(found?.snippet)).toBe(words.replace("\u0005", ""));
  expect(textOf(found?.title)).toBe("Either/Tapir<Gecko>");
});

test("the indexes are used with 10,000 documents", { timeout: 120_000 }, async () => {
  const { sql } = rest;
  await sql`
    with made as (
      insert into documents (project_id, type, title, slug)
      select ${tenant.projectId}, 'feature_blueprint', 'Number ' || n, 'n-' || n from generate_series(1, 10000) n
      returning id, slug)
    insert into document_words (document_id, piece, words)
    select id, 0, repeat('some words of ' || slug || ' ', 20) || case when slug = 'n-5000' then 'axolotl' else '' end
    from made`;
  await sql`analyze documents, document_words`;
  const found = await results("axolotl");
  expect(found).toHaveLength(1);
  const plan = await sql`
    explain select document_id from document_words where search @@ websearch_to_tsquery('english', 'axolotl')`;
  expect(JSON.stringify(plan)).toContain("idx_document_words_search");
  const titles = await sql`
    explain select id from documents
    where to_tsvector('english', translate(title, '<>/', '   ')) @@ websearch_to_tsquery('english', '5000')`;
  expect(JSON.stringify(titles)).toContain("idx_documents_title_search");
  const startedMs = performance.now();
  expect(await results("words")).toHaveLength(20);
  // oxlint-disable-next-line no-console -- a figure for whoever reads the run
  console.info(`10,000 matches: ${Math.round(performance.now() - startedMs)} ms`);
});
