import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseMarkdown, plainText } from "../schema/content.ts";
import { documentName } from "../schema/ids.ts";
import { yDocToContent } from "../schema/yjs-content.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { readHead, replayRows } from "./support/log-rows.ts";
import { startTestNode } from "./support/node.ts";
import { sized } from "./support/size.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { connectWire } from "./support/wire-client.ts";

let database: TestDatabase;
let nodes: Awaited<ReturnType<typeof startTestNode>>[];
let tenant: Tenant;

beforeAll(async () => {
  database = await createTestDatabase();
  // Two servers on one database: within one, a document is loaded once anyway.
  nodes = [await startTestNode(database), await startTestNode(database)];
  tenant = await createTenant(database.sql);
});
afterAll(async () => {
  for (const node of nodes) await node.close();
  await database.close();
});

const content = parseMarkdown("# Title\n\nThe *only* text.\n\n- one\n- two\n");
const text = plainText(content);
const DIAGRAM = "graph TD; a-->b";

/** What another program does that knows nothing of Yjs. */
async function insertRaw(fields: { content: unknown; diagram: string | null }): Promise<string> {
  const [row] = await database.sql<{ id: string }[]>`
    insert into documents (project_id, type, title, slug, created_by, content, diagram_source)
    values (${tenant.projectId}, 'feature_requirements', 'Raw', ${randomUUID()}, ${tenant.userId},
            ${fields.content === null ? null : JSON.stringify(fields.content)}::text::jsonb, ${fields.diagram})
    returning id`;
  return row?.id ?? "";
}

/** Opens a document with so many clients at once, half of them on each server, and answers what they were given. */
async function openAtOnce(
  documentId: string,
  count: number,
): Promise<{ text: string; diagram: string }[]> {
  const name = documentName(documentId, "content");
  const clients = Array.from({ length: count }, (_, index) =>
    connectWire({ url: nodes[index % nodes.length]?.url ?? "", name, token: tenant.token }),
  );
  await Promise.all(clients.map((client) => client.synced()));
  const seen = clients.map(({ document }) => ({
    text: plainText(yDocToContent(document)),
    diagram: document.getText("diagram").toJSON(),
  }));
  await Promise.all(clients.map((client) => client.close()));
  return seen;
}

test.each(["by this program", "by another program"])(
  "[T20] twenty who open a new document at once find its content once: inserted %s",
  async (by) => {
    const rounds = sized(8, 200);
    for (let round = 0; round < rounds; round += 1) {
      const documentId =
        by === "by this program"
          ? (await tenant.document({ content, diagramSource: DIAGRAM })).documentId
          : await insertRaw({ content, diagram: DIAGRAM });
      const seen = await openAtOnce(documentId, 20);
      expect(seen).toEqual(seen.map(() => ({ text, diagram: DIAGRAM })));
      const address = { documentId, part: "content" } as const;
      expect(await readHead(database.sql, address)).toMatchObject({ head: 1 });
      const replayed = await replayRows(database.sql, address);
      expect(plainText(yDocToContent(replayed))).toBe(text);
    }
    await until(() =>
      nodes.every((node) => node.collaboration.documents.getDocumentsCount() === 0),
    );
  },
);

test("[T20] a document without content opens empty, and again, and its discussion too", async () => {
  const documentId = await insertRaw({ content: null, diagram: null });
  for (const seen of [await openAtOnce(documentId, 4), await openAtOnce(documentId, 4)]) {
    expect(seen).toEqual(seen.map(() => ({ text: "", diagram: "" })));
  }
  const comments = connectWire({
    url: nodes[0]?.url ?? "",
    name: documentName(documentId, "comments"),
    token: tenant.token,
  });
  await comments.synced();
  await comments.close();
  expect(await readHead(database.sql, { documentId, part: "content" })).toMatchObject({ head: 0 });
});

test("[T20] a discussion that is opened first does not keep its text from being made", async () => {
  const documentId = await insertRaw({ content, diagram: null });
  const options = { url: nodes[1]?.url ?? "", token: tenant.token };
  const comments = connectWire({ ...options, name: documentName(documentId, "comments") });
  await comments.synced();
  await comments.close();
  expect(await openAtOnce(documentId, 2)).toEqual([
    { text, diagram: "" },
    { text, diagram: "" },
  ]);
});
