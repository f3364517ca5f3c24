import { HocuspocusProvider } from "@hocuspocus/provider";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as Y from "yjs";
import type { ApiClient } from "../client/api.ts";
import { parseContent, parseMarkdown, renderMarkdown } from "../schema/content.ts";
import { documentName } from "../schema/ids.ts";
import { sectionHash, sectionsOf } from "../schema/sections.ts";
import { seededRandom } from "./support/random-document.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";
import { schemaContent } from "./support/schema-content.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

let rest: Rest;
let tenant: Tenant;
let client: ApiClient;

beforeAll(async () => {
  rest = await startRest({ PROJECT_AFTER_MS: "60000", PROJECT_AT_LATEST_MS: "60000" });
  tenant = await createTenant(rest.sql);
  client = rest.client(tenant.token);
});
afterAll(() => rest.close());

type Made = { markdown: string } | { content: Record<string, unknown> };

async function newDocument(content: Made): Promise<string> {
  const { body } = await client.createDocument({
    params: { projectId: tenant.projectId },
    body: { title: "Test", type: "feature_requirements", ...content },
  });
  return body.id;
}

async function openEditor(documentId: string): Promise<HocuspocusProvider> {
  const provider = new HocuspocusProvider({
    url: `${rest.url.replace("http", "ws")}/collaboration`,
    name: documentName(documentId, "content"),
    token: tenant.token,
  });
  await until(() => provider.isSynced);
  return provider;
}

const outlineOf = async (documentId: string) =>
  (await client.getOutline({ params: { documentId } })).body;

const fetchAt = (path: string, headers: Record<string, string> = {}) =>
  rest.fetch(`/api/v1/documents/${path}`, {
    headers: { authorization: `Bearer ${tenant.token}`, ...headers },
  });

test("the outline names each section with its size, and a section is read as JSON and Markdown", async () => {
  const id = await newDocument({
    markdown: "before *it*\n\n# One\n\nsome words\n\n- a\n\n### Two\n",
  });
  const { seq, sections } = await outlineOf(id);
  expect(seq).toBe(1);
  expect(sections).toMatchObject([
    { level: 0, title: "", characters: 9, words: 2 },
    { level: 1, title: "One", characters: 14, words: 4 },
    { level: 3, title: "Two", characters: 3, words: 1 },
  ]);
  const { sectionId, hash } = sections[1] ?? {};
  const params = { documentId: id, sectionId: sectionId ?? "" };
  const json = await client.getSection({ params });
  const content = parseMarkdown("# One\n\nsome words\n\n- a");
  expect(json.body).toMatchObject({ seq, sectionId, level: 1, title: "One", hash, content });
  expect(json.etag).toBe('"1"');
  expect(parseContent(json.body.content).content?.[0]?.attrs?.["id"]).toBe(sectionId);
  const text = await client.getSection({ params, query: { format: "markdown" } });
  expect(text).toMatchObject({ text: "# One\n\nsome words\n\n- a\n", seq: 1, etag: '"1"' });
});

test("X-Document-Seq says at which position a text was read, also where nothing has changed", async () => {
  const id = await newDocument({ markdown: "# One" });
  const [section] = (await outlineOf(id)).sections;
  const paths = [
    `${id}/outline`,
    `${id}/sections/${section?.sectionId}`,
    `${id}/sections/${section?.sectionId}?format=markdown`,
    `${id}/content`,
    `${id}/content?format=markdown`,
    `${id}/content?format=html`,
  ];
  const statuses = { 200: {}, 304: { "if-none-match": '"1"' } };
  for (const [status, headers] of Object.entries(statuses)) {
    const answers = await Promise.all(paths.map((path) => fetchAt(path, headers)));
    expect(answers.map((answer) => answer.status)).toEqual(paths.map(() => Number(status)));
    const told = answers.map((answer) => answer.headers.get("x-document-seq"));
    expect(told).toEqual(paths.map(() => "1"));
  }
});

test("what a socket was told is saved is in the very next section, and only its hash is another", async () => {
  const id = await newDocument({ markdown: "# One\n\nfirst\n\n# Two\n\nsecond" });
  const provider = await openEditor(id);
  const paragraph = provider.document.getXmlFragment("default").get(3) as Y.XmlElement;
  const before = await outlineOf(id);
  for (let round = 1; round <= 20; round += 1) {
    (paragraph.get(0) as Y.XmlText).insert(0, `w${round} `);
    await until(() => !provider.hasUnsyncedChanges);
    const sectionId = before.sections[1]?.sectionId ?? "";
    const params = { documentId: id, sectionId };
    const [outline, section] = await Promise.all([
      outlineOf(id),
      client.getSection({ params, query: { format: "markdown" } }),
    ]);
    expect(section.text).toContain(`w${round} `);
    expect(section.seq).toBeGreaterThan(before.seq);
    expect(outline.sections[0]).toEqual(before.sections[0]);
    expect(outline.sections[1]?.hash).not.toBe(before.sections[1]?.hash);
  }
  provider.destroy();
});

test("any document that is sent back as the Markdown of its sections is the same, and nothing is written", async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const content = parseContent(schemaContent(seededRandom(seed), 12));
    const id = await newDocument({ content });
    const { seq, sections } = await outlineOf(id);
    expect(sections.map(({ hash }) => hash)).toEqual(sectionsOf(content).map(sectionHash));
    const texts = await Promise.all(
      sections.map(({ sectionId }) =>
        client.getSection({
          params: { documentId: id, sectionId: sectionId ?? "" },
          query: { format: "markdown" },
        }),
      ),
    );
    const blocks = texts.flatMap(({ text }) => parseMarkdown(text).content ?? []);
    const put = await client.putContent(
      { params: { documentId: id }, body: renderMarkdown({ type: "doc", content: blocks }) },
      { ifMatch: `"${seq}"`, contentType: "text/markdown" },
    );
    expect(put.body).toEqual({ seq, changed: false });
  }
});

test("a section that is not there, or whose id is another block's, is not found", async () => {
  const id = await newDocument({ markdown: "# One\n\nwords" });
  const { body } = await client.getContent({ params: { documentId: id } });
  const paragraphId = parseContent(body.content).content?.[1]?.attrs?.["id"] as string;
  for (const sectionId of ["nothing", paragraphId]) {
    expect(await codeOf(client.getSection({ params: { documentId: id, sectionId } }))).toBe(
      "not_found",
    );
  }
  const odd = client.getSection({ params: { documentId: id, sectionId: "no id" } });
  expect(await codeOf(odd)).toBe("bad_request");
});

test("a section without an id of its own gets one with the next content that is put in", async () => {
  const id = await newDocument({ markdown: "# One" });
  const provider = await openEditor(id);
  const fragment = provider.document.getXmlFragment("default");
  const first = (fragment.get(0) as Y.XmlElement).getAttribute("id") ?? "";
  for (const [name, blockId] of Object.entries({ Two: null, Three: first })) {
    const heading = new Y.XmlElement("heading");
    heading.setAttribute("level", 1 as unknown as string);
    if (blockId !== null) heading.setAttribute("id", blockId);
    heading.insert(0, [new Y.XmlText(name)]);
    fragment.push([heading]);
  }
  await until(() => !provider.hasUnsyncedChanges);
  const idsNow = async () => (await outlineOf(id)).sections.map(({ sectionId }) => sectionId);
  expect(await idsNow()).toEqual([first, null, null]);
  const { text } = await client.getContent({
    params: { documentId: id },
    query: { format: "markdown" },
  });
  await client.putContent(
    { params: { documentId: id }, body: text },
    { ifMatch: "*", contentType: "text/markdown" },
  );
  const ids = await idsNow();
  expect(ids[0]).toBe(first);
  expect(new Set(ids).size).toBe(3);
  expect(ids).not.toContain(null);
  provider.destroy();
});
