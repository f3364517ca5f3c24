import { expect, test } from "vitest";
import * as Y from "yjs";
import { projectDocument } from "../persistence/projection.ts";
import { parseMarkdown, plainText } from "../schema/content.ts";
import { contentToYUpdate, yDocToContent } from "../schema/yjs-content.ts";
import { appendRows, keystrokeRows, readHead, replayRows } from "./support/log-rows.ts";
import { startTestNode } from "./support/node.ts";
import { createRandom } from "./support/seed.ts";
import { useTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { openWire } from "./support/wire-client.ts";

const { database, tenant } = await useTenant();
const random = createRandom();

type Columns = { content: unknown; text: string | null; diagram: string | null };

async function columns(documentId: string): Promise<Columns> {
  const [row] = await database.sql<Columns[]>`
    select content, content_text as text, diagram_source as diagram from documents where id = ${documentId}`;
  return row ?? { content: null, text: null, diagram: null };
}

async function withRows(updates: readonly Uint8Array[]) {
  const { documentId } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  await appendRows(database.sql, address, updates);
  return address;
}

const diagramUpdate = (source: string): Uint8Array => {
  const doc = new Y.Doc();
  doc.getText("diagram").insert(0, source);
  return Y.encodeStateAsUpdate(doc);
};

const MARKDOWN =
  "# Title\n\nSome **bold** text.\n\n- [ ] one\n- [x] two\n\n| a | b |\n| --- | --- |\n| c | d |\n";

test("[P1] the columns say what the log says: content, text, diagram", async () => {
  const content = parseMarkdown(MARKDOWN);
  const address = await withRows([contentToYUpdate(content), diagramUpdate("graph TD")]);
  expect(await projectDocument(database.sql, address.documentId)).toMatchObject({
    outcome: "projected",
    seq: 2,
  });
  const expected = yDocToContent(await replayRows(database.sql, address));
  expect(await columns(address.documentId)).toEqual({
    content: expected,
    text: plainText(expected),
    diagram: "graph TD",
  });
  expect(plainText(expected)).toBe(plainText(content));
  expect(await readHead(database.sql, address)).toMatchObject({ head: 2, projected: 2 });
});

test("[P1] projecting again does nothing; of many at once, each position is projected once", async () => {
  const updates = keystrokeRows(60);
  const address = await withRows(updates.slice(0, 10));
  const { documentId } = address;
  expect((await projectDocument(database.sql, documentId)).outcome).toBe("projected");
  expect((await projectDocument(database.sql, documentId)).outcome).toBe("current");
  const projected: number[] = [];
  const project = async (): Promise<void> => {
    const { outcome, seq } = await projectDocument(database.sql, documentId);
    if (outcome === "projected") projected.push(seq);
  };
  for (let next = 10; next < 60; next += 10) {
    await Promise.all([
      project(),
      project(),
      appendRows(database.sql, address, updates.slice(next, next + 10)),
      project(),
    ]);
    const { projected: reached } = await readHead(database.sql, address);
    const { text } = await columns(documentId);
    expect(text).toBe(plainText(yDocToContent(await replayRows(database.sql, address, reached))));
  }
  await project();
  expect(new Set(projected).size).toBe(projected.length);
  expect(await readHead(database.sql, address)).toMatchObject({ head: 60, projected: 60 });
});

test("[P1] an older state that was read before cannot undo a newer one", async () => {
  const updates = keystrokeRows(40);
  const address = await withRows(updates.slice(0, 20));
  const { documentId } = address;
  // A newer projection that holds the document's row: the slow one waits for it with what it has read.
  const release = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const holding = database.sql.begin(async (tx) => {
    await tx`update documents set content_text = 'newer' where id = ${documentId}`;
    held.resolve();
    await release.promise;
    await appendRows(tx, address, updates.slice(20));
    await tx`update yjs_documents set projected_seq = 40 where document_id = ${documentId} and part = 'content'`;
  });
  await held.promise;
  const slow = projectDocument(database.sql, documentId);
  await until(async () => {
    const waiting = await database.sql`
      select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return waiting.length > 0;
  });
  release.resolve();
  await holding;
  expect(await slow).toMatchObject({ outcome: "current" });
  expect((await columns(documentId)).text).toBe("newer");
});

test("[P1] what PostgreSQL's text cannot hold is shown as U+FFFD", async () => {
  const content = {
    type: "doc",
    content: [{ type: "paragraph", content: [{ type: "text", text: "a b" }] }],
  };
  const doc = new Y.Doc();
  Y.applyUpdate(doc, contentToYUpdate(content));
  const text = (doc.getXmlFragment("default").get(0) as Y.XmlElement).get(0) as Y.XmlText;
  text.insert(1, "\0");
  text.insert(0, "\uD800");
  doc.getText("diagram").insert(0, "x\0y\uDC00");
  const address = await withRows([Y.encodeStateAsUpdate(doc)]);
  expect((await projectDocument(database.sql, address.documentId)).outcome).toBe("projected");
  const projected = await columns(address.documentId);
  expect(projected).toMatchObject({ text: "\uFFFDa\uFFFD b", diagram: "x\uFFFDy\uFFFD" });
});

test("[P1 P2] a server projects what is typed, soon after it is committed", async () => {
  const node = await startTestNode(database, {
    PROJECT_AFTER_MS: "30",
    PROJECT_AT_LATEST_MS: "100",
  });
  const { documentId, name } = await tenant.document({ content: parseMarkdown("Begin.") });
  const client = await openWire({ url: node.url, name, token: tenant.token });
  for (let count = 0; count < 20; count += 1) {
    client.document.getText("diagram").insert(0, random() < 0.5 ? "a" : "b");
  }
  const typed = client.document.getText("diagram").toJSON();
  await until(async () => (await columns(documentId)).diagram === typed);
  expect(await columns(documentId)).toMatchObject({ text: "Begin." });
  const { head, projected } = await readHead(database.sql, { documentId, part: "content" });
  expect(projected).toBe(head);
  await client.close();
  await until(() => node.collaboration.documents.getDocumentsCount() === 0);
  await node.close();
});

test("[P1] what a crash left behind is caught up at the next start", async () => {
  const content = parseMarkdown("Committed, and then the power failed.");
  const behind = await Promise.all(
    Array.from({ length: 5 }, () => withRows([contentToYUpdate(content)])),
  );
  const node = await startTestNode(database, { SWEEP_EVERY_MS: "50" });
  for (const address of behind) {
    await until(async () => (await readHead(database.sql, address)).projected === 1);
    expect((await columns(address.documentId)).text).toBe(plainText(content));
  }
  await node.close();
});
