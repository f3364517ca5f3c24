import { HocuspocusProvider } from "@hocuspocus/provider";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as Y from "yjs";
import { loadDocument } from "../persistence/load-document.ts";
import type { ApiClient } from "../client/api.ts";
import { parseContent, parseMarkdown } from "../schema/content.ts";
import { documentName } from "../schema/ids.ts";
import { yDocDiagram, yDocToContent } from "../schema/yjs-content.ts";
import { readAllRows, readHead } from "./support/log-rows.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";
import { createAgent, keyOf, signedIn } from "./support/roles.ts";
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

const withMarkdown = async (markdown: string): Promise<string> => {
  const { body } = await client.createDocument({
    params: { projectId: tenant.projectId },
    body: { title: "Test", type: "feature_requirements", markdown },
  });
  return body.id;
};

const read = (documentId: string) => client.getContent({ params: { documentId } });

const readText = async (documentId: string, format: "markdown" | "html") =>
  (await client.getContent({ params: { documentId }, query: { format } })).text;

const putMarkdown = (documentId: string, body: string, ifMatch = "*") =>
  client.putContent({ params: { documentId }, body }, { ifMatch, contentType: "text/markdown" });

const openEditor = async (documentId: string, token = tenant.token) => {
  const provider = new HocuspocusProvider({
    url: `${rest.url.replace("http", "ws")}/collaboration`,
    name: documentName(documentId, "content"),
    token,
  });
  await until(() => provider.isSynced);
  return provider;
};

const firstText = (doc: Y.Doc): Y.XmlText =>
  (doc.getXmlFragment("default").get(0) as Y.XmlElement).get(0) as Y.XmlText;

test("content comes out as JSON, Markdown and HTML, with the seq it stands for as ETag", async () => {
  const id = await withMarkdown("# Hi\n\nsome *words*");
  const { body, etag } = await read(id);
  expect(body).toMatchObject({ documentId: id, seq: 1, diagram: null });
  expect(etag).toBe('"1"');
  expect(parseContent(body.content).content?.map(({ type }) => type)).toEqual([
    "heading",
    "paragraph",
  ]);
  expect(await readText(id, "markdown")).toBe("# Hi\n\nsome *words*\n");
  expect(await readText(id, "html")).toContain("<em>words</em>");
  const headers = { authorization: `Bearer ${tenant.token}`, "if-none-match": '"1"' };
  const again = await rest.fetch(`/api/v1/documents/${id}/content`, { headers });
  expect(again.status).toBe(304);
});

test("what a socket was told is saved is in the very next answer, though the columns are behind", async () => {
  const id = await withMarkdown("start");
  const editor = await openEditor(id);
  for (let round = 1; round <= 20; round += 1) {
    firstText(editor.document).insert(0, `w${round} `);
    await until(() => !editor.hasUnsyncedChanges);
    const [text] = await Promise.all([readText(id, "markdown"), read(id), readText(id, "html")]);
    expect(text).toContain(`w${round} `);
  }
  editor.destroy();
});

test("content goes in as JSON and Markdown; the same again writes no row", async () => {
  const id = await withMarkdown("one\n\ntwo");
  const before = (await read(id)).body;
  const put = await putMarkdown(id, "one\n\ntwo and more", '"1"');
  expect(put.body).toEqual({ seq: 2, changed: true });
  expect(put.etag).toBe('"2"');
  const after = (await read(id)).body;
  const idsOf = (content: unknown) =>
    parseContent(content).content?.map(({ attrs }) => attrs?.["id"] as string);
  expect(idsOf(after.content)).toEqual(idsOf(before.content));
  const same = await client.putContent(
    { params: { documentId: id }, body: { content: after.content } },
    { ifMatch: '"2"' },
  );
  expect(same.body).toEqual({ seq: 2, changed: false });
  expect((await readHead(rest.sql, { documentId: id, part: "content" })).head).toBe(2);
});

test("content goes in as HTML, what was read as HTML too", async () => {
  const id = await withMarkdown(
    "# Hi\n\n- [x] done\n- [ ] open\n\n| a | b |\n|---|---|\n| 1 | 2 |",
  );
  const html = (await readText(id, "html")) ?? "";
  const put = (body: string) =>
    client.putContent(
      { params: { documentId: id }, body },
      { ifMatch: "*", contentType: "text/html" },
    );
  expect((await put(html)).body).toEqual({ seq: 1, changed: false });
  await put(`${html.replace("Hi", "Ho")}<script>alert(1)</script><p onclick="x">more`);
  expect(await readText(id, "markdown")).toMatch(/^# Ho\n[^]*\n\nmore\n$/u);
});

test("two writers who read the same do not overwrite each other unseen", async () => {
  const id = await withMarkdown("base");
  expect(
    await codeOf(client.putContent({ params: { documentId: id }, body: { content: {} } })),
  ).toBe("precondition_required");
  const both = await Promise.allSettled([
    putMarkdown(id, "mine", '"1"'),
    putMarkdown(id, "yours", '"1"'),
  ]);
  expect(both.filter(({ status }) => status === "fulfilled").length).toBe(1);
  expect(await codeOf(putMarkdown(id, "late", '"1"'))).toBe("precondition_failed");
  expect((await putMarkdown(id, "last")).body.seq).toBe(3);
});

test("bad content is refused with the place and the reason, and nothing changes", async () => {
  const id = await withMarkdown("stays");
  const params = { documentId: id };
  const content = { type: "doc", content: [{ type: "paragraph" }, { type: "nope" }] };
  const answer = await rest.fetch(`/api/v1/documents/${id}/content`, {
    method: "PUT",
    headers: {
      authorization: `Bearer ${tenant.token}`,
      "content-type": "application/json",
      "if-match": "*",
    },
    body: JSON.stringify({ content }),
  });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({
    code: "bad_content",
    detail: expect.stringContaining("[1]") as string,
  });
  const long = "x".repeat(2_100_000);
  expect(await codeOf(putMarkdown(id, long))).toBe("too_large");
  expect(
    await codeOf(client.putContent({ params, body: { diagram: "graph" } }, { ifMatch: "*" })),
  ).toBe("bad_request");
  expect((await read(id)).body.seq).toBe(1);
});

test("people who have it open see it at once and lose nothing that they type meanwhile", async () => {
  const id = await withMarkdown("alpha beta gamma\n\nsecond");
  const editor = await openEditor(id);
  const typing = setInterval(() => firstText(editor.document).insert(5, "!"), 1);
  for (let round = 1; round <= 10; round += 1) {
    await putMarkdown(id, `alpha beta GAMMA${round}\n\nsecond\n\nthird ${round}`);
  }
  clearInterval(typing);
  await until(() => !editor.hasUnsyncedChanges);
  const typed = (firstText(editor.document).toJSON().match(/!/gu) ?? []).length;
  expect(typed).toBeGreaterThan(0);
  expect(firstText(editor.document).toJSON()).toContain("GAMMA10");
  const { body } = await read(id);
  expect(body.content).toEqual(yDocToContent(editor.document));
  editor.destroy();
});

test("a diagram's source is edited word by word, and its text stays", async () => {
  const { body } = await client.createDocument({
    params: { projectId: tenant.projectId },
    body: { title: "D", type: "system_diagram", markdown: "text", diagram: "graph TD; A-->B" },
  });
  const params = { documentId: body.id };
  await client.putContent({ params, body: { diagram: "graph TD; A-->C" } }, { ifMatch: '"1"' });
  expect((await read(body.id)).body.diagram).toBe("graph TD; A-->C");
  expect(await readText(body.id, "markdown")).toBe("text\n");
});

test("the author of a change is in the log, the agent and the person", async () => {
  const id = await withMarkdown("text");
  const agentId = await createAgent(rest.sql, tenant, "active");
  const { token } = await keyOf(rest.sql, tenant, { agentId });
  await rest
    .client(token)
    .putContent(
      { params: { documentId: id }, body: "other" },
      { ifMatch: "*", contentType: "text/markdown" },
    );
  const rows = await readAllRows(rest.sql, { documentId: id, part: "content" });
  expect(rows.at(-1)?.author).toEqual({ userId: tenant.userId, agentId });
  const clients = await rest.sql`
    select agent_id from yjs_clients where document_id = ${id} order by first_seq`;
  expect(clients.map(({ agent_id }) => agent_id as string | null)).toEqual([null, agentId]);
});

test("large content is made, read and replaced, and small reads do not wait for it", async () => {
  const lines = Array.from({ length: 8000 }, (_, index) => `Paragraph ${index} with some words`);
  const id = await withMarkdown(lines.join("\n\n"));
  const small = await withMarkdown("small");
  let longestMs = 0;
  let last = performance.now();
  const ticker = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - last);
    last = performance.now();
  }, 1);
  await putMarkdown(id, lines.with(4000, "changed").join("\n\n"));
  const [large] = await Promise.all([readText(id, "html"), readText(small, "markdown")]);
  clearInterval(ticker);
  expect(large).toContain("changed");
  // The conversion alone takes longer than this; what is left is reading and writing some hundred kB.
  expect(longestMs).toBeLessThan(400);
});

test("a document that another program inserted has content before anybody opened it", async () => {
  const content = parseMarkdown("inserted");
  const [row] = await rest.sql<{ id: string }[]>`
    insert into documents (project_id, type, title, slug, content)
    values (${tenant.projectId}, 'product_overview', 'x', 'inserted', ${JSON.stringify(content)}::text::jsonb) returning id`;
  const id = row?.id ?? "";
  expect(await readText(id, "markdown")).toBe("inserted\n");
  expect((await putMarkdown(id, "inserted and edited")).body.seq).toBe(2);
  const doc = new Y.Doc();
  await loadDocument(rest.sql, { documentId: id, part: "content" }, doc);
  expect(firstText(doc).toJSON()).toBe("inserted and edited");
  expect(yDocDiagram(doc)).toBeNull();
});

test("a quarantined document answers 503 and takes no content", async () => {
  const id = await withMarkdown("fine");
  const address = { documentId: id, part: "content" } as const;
  await rest.sql`
    insert into yjs_updates (document_id, part, seq, update_data, batch_id)
    values (${id}, 'content', 2, ${Buffer.from([1, 1, 255, 255])}, gen_random_uuid())`;
  await rest.sql`update yjs_documents set head_seq = 2 where document_id = ${id} and part = 'content'`;
  expect(await codeOf(putMarkdown(id, "no"))).toBe("document_quarantined");
  expect(await codeOf(read(id))).toBe("document_quarantined");
  expect(await readHead(rest.sql, address)).toMatchObject({ head: 2, quarantined: 2 });
});

test("presence shows who has it open, by how they signed in", async () => {
  const id = await withMarkdown("open");
  const list = async () =>
    (await client.listPresence({ params: { documentId: id } })).body.participants;
  expect(await list()).toEqual([]);
  const viewer = await signedIn(rest.sql, tenant, { member: "member" });
  const agentId = await createAgent(rest.sql, tenant, "active");
  const { token } = await keyOf(rest.sql, tenant, { agentId });
  const tokens = [tenant.token, tenant.token, viewer.token, token];
  const editors = await Promise.all(tokens.map((each) => openEditor(id, each)));
  const seen = await list();
  expect(seen.length).toBe(3);
  expect(seen).toContainEqual({
    userId: tenant.userId,
    agentId: null,
    name: "Test",
    readOnly: false,
    sessions: 2,
    sectionId: null,
  });
  expect(seen.find(({ userId }) => userId === viewer.userId)).toMatchObject({ readOnly: true });
  expect(seen.find((one) => one.agentId === agentId)).toMatchObject({ sessions: 1 });
  for (const editor of editors) editor.destroy();
  await until(async () => (await list()).length === 0);
});
