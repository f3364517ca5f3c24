import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JSONContent } from "@tiptap/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectDocument } from "../persistence/projection.ts";
import { fittingContent, parseContent } from "../schema/content.ts";
import { isUnsafeKey } from "../schema/content-node.ts";
import { yDocToContent } from "../schema/yjs-content.ts";
import { activeContentOf, activeMarkdownOf } from "./support/active-content.ts";
import { askAdmin, runAdmin } from "./support/admin-process.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { HOSTILE_PAYLOADS } from "./support/hostile-content.ts";
import { connectMcp, resultOf, textsOf, use } from "./support/mcp.ts";
import { startTestNode } from "./support/node.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { openWire } from "./support/wire-client.ts";

/** What the gate lets through: it refuses keys that reach a prototype. */
const PAYLOADS = HOSTILE_PAYLOADS.filter(({ name }) => !name.split(" ").some(isUnsafeKey));

let database: TestDatabase;
let node: Awaited<ReturnType<typeof startTestNode>>;
let tenant: Tenant;
let documentId: string;
/** Counted from what the hostile editor has, not from what the server stored. */
let dropped: number;

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startTestNode(database);
  tenant = await createTenant(database.sql);
  const made = await tenant.document();
  documentId = made.documentId;
  const hostile = await openWire({ url: node.url, name: made.name, token: tenant.token });
  for (const { write } of PAYLOADS) write(hostile.document.getXmlFragment("default"));
  await hostile.answered();
  expect([hostile.closed, hostile.refused]).toEqual([null, 0]);
  dropped = fittingContent(yDocToContent(hostile.document)).dropped;
  expect(dropped).toBeGreaterThan(100);
  await hostile.close();
});
afterAll(async () => {
  await node.close();
  await database.close();
});

async function get(path: string): Promise<{ text: string; headers: Headers }> {
  const headers = { authorization: `Bearer ${tenant.token}` };
  const answer = await fetch(`http://127.0.0.1:${node.port}/api/v1${path}`, { headers });
  expect([path, answer.status]).toEqual([path, 200]);
  return { text: await answer.text(), headers: answer.headers };
}

async function expectInert(path: string): Promise<void> {
  const json = await get(path);
  const { content } = JSON.parse(json.text) as { content: JSONContent };
  expect(parseContent(content)).toEqual(content);
  const html = await get(`${path}?format=html`);
  expect(activeContentOf(html.text)).toEqual([]);
  const markdown = await get(`${path}?format=markdown`);
  expect(activeMarkdownOf(markdown.text)).toEqual([]);
  const counted = [json, html, markdown].map(({ headers }) => headers.get("x-content-dropped"));
  expect(counted).toEqual(Array.from({ length: 3 }, () => String(dropped)));
}

describe(`[T51] ${PAYLOADS.length} payloads that came over a socket`, () => {
  test("are inert in a document's content, and counted", async () => {
    await expectInert(`/documents/${documentId}/content`);
  });

  test("are inert in a version", async () => {
    const made = await fetch(
      `http://127.0.0.1:${node.port}/api/v1/documents/${documentId}/versions`,
      {
        method: "POST",
        headers: { authorization: `Bearer ${tenant.token}`, "content-type": "application/json" },
        body: '{"name":"First"}',
      },
    );
    const { number } = (await made.json()) as { number: number };
    await expectInert(`/documents/${documentId}/versions/${number}`);
  });

  test("are inert in what a model reads", async () => {
    const client = await connectMcp(`http://127.0.0.1:${node.port}`, tenant.token);
    const [markdown] = textsOf(await resultOf(client, "read_document", { documentId }));
    expect(activeMarkdownOf(markdown ?? "")).toEqual([]);
    const uri = `scriptorium://documents/${documentId}`;
    expect((await client.readResource({ uri })).contents).toMatchObject([{ text: markdown }]);
    const json = { documentId, format: "json" };
    const { content } = await use<{ content: JSONContent }>(client, "read_document", json);
    expect(parseContent(content)).toEqual(content);
    await client.close();
  });

  test("are inert in what the script exports, and counted", async () => {
    const { env } = database;
    const html = await runAdmin(["export", documentId, "--format", "html"], { env });
    const body = html.stdout.slice(
      html.stdout.indexOf("<body>") + 6,
      html.stdout.indexOf("</body>"),
    );
    expect(activeContentOf(body)).toEqual([]);
    expect(html.stderr).toBe(
      `Left out of ${documentId}: ${dropped} that the document schema does not have.\n`,
    );
    const markdown = await runAdmin(["export", documentId], { env });
    expect(activeMarkdownOf(markdown.stdout)).toEqual([]);
    const json = await askAdmin<{ content: JSONContent; dropped: number }>(
      ["export", documentId, "--format", "json"],
      { env },
    );
    expect(parseContent(json.content)).toEqual(json.content);
    expect(json.dropped).toBe(dropped);
    const folder = await mkdtemp(join(tmpdir(), "scriptorium-exits-"));
    const all = await askAdmin<{ files: { documentId: string; file: string; dropped: number }[] }>(
      ["export", "--all", "--out", folder],
      { env },
    );
    const [file] = all.files.filter((each) => each.documentId === documentId);
    expect(file?.dropped).toBe(dropped);
    expect(await readFile(file?.file ?? "", "utf8")).toBe(markdown.stdout);
    await rm(folder, { recursive: true });
  });

  test("are inert in columns that another program wrote, before anybody opens the document", async () => {
    const { documentId: other } = await tenant.document();
    await projectDocument(database.sql, documentId);
    await database.sql`
      update documents set content = (select content from documents where id = ${documentId}) where id = ${other}`;
    await expectInert(`/documents/${other}/content`);
  });
});
