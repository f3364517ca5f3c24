import { expect, test } from "vitest";
import * as Y from "yjs";
import { compactDocument, type CompactionResult } from "../persistence/compaction.ts";
import { applySnapshot } from "../persistence/snapshot-encoding.ts";
import { parseMarkdown } from "../schema/content.ts";
import { contentToYUpdate, yDocToContent } from "../schema/yjs-content.ts";
import { appendRows, keystrokeRows, readHead, replayRows } from "./support/log-rows.ts";
import { useTenant } from "./support/tenant.ts";

const { database, tenant } = await useTenant();

type Address = { documentId: string; part: "content" };

type Version = {
  number: number;
  seq: number;
  kind: string;
  content: unknown;
  diagram: string | null;
  state: Uint8Array;
};

const versionsOf = ({ documentId }: Address) => database.sql<Version[]>`
  select version_number as number, seq::int as seq, kind, content, diagram_source as diagram, state
  from document_versions where document_id = ${documentId} order by version_number`;

async function withRows(updates: readonly Uint8Array[]): Promise<Address> {
  const { documentId } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  await appendRows(database.sql, address, updates);
  return address;
}

const compact = (address: Address, minIntervalMs = 0): Promise<CompactionResult> =>
  compactDocument(database.sql, address, { versions: { minIntervalMs } });

/** An edit of the text, as a client that has loaded the document makes it. */
async function edit(address: Address, change: (doc: Y.Doc) => void): Promise<void> {
  const doc = await replayRows(database.sql, address);
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  change(doc);
  await appendRows(database.sql, address, updates);
}

const typeInDiagram = (text: string) => (doc: Y.Doc) => doc.getText("diagram").insert(0, text);

test("[V2 C4] a compaction writes a version: the content, the state and the seq it stands for", async () => {
  const content = parseMarkdown("# One\n\ntwo");
  const address = await withRows([contentToYUpdate(content)]);
  await edit(address, typeInDiagram("graph"));
  const expected = yDocToContent(await replayRows(database.sql, address));
  expect(await compact(address)).toMatchObject({ outcome: "compacted", version: 1 });
  const [version] = await versionsOf(address);
  expect(version).toMatchObject({
    number: 1,
    seq: 2,
    kind: "automatic",
    content: expected,
    diagram: "graph",
  });
  const restored = new Y.Doc();
  applySnapshot(restored, version?.state ?? new Uint8Array(), "v2+zstd", null);
  expect(yDocToContent(restored)).toEqual(expected);
});

test("no version when nothing that is seen has changed", async () => {
  const address = await withRows(keystrokeRows(30));
  expect((await compact(address)).version).toBe(1);
  await edit(address, typeInDiagram("x"));
  await edit(address, (doc) => doc.getText("diagram").delete(0, 1));
  expect(await compact(address)).toMatchObject({ outcome: "compacted", version: null });
  await edit(address, typeInDiagram("x"));
  expect(await compact(address)).toMatchObject({ outcome: "compacted", version: 2 });
  expect((await versionsOf(address)).map(({ number, seq }) => [number, seq])).toEqual([
    [1, 30],
    [2, 33],
  ]);
});

test("while people type, a version at most once in an interval", async () => {
  const address = await withRows(keystrokeRows(10));
  const hour = 3_600_000;
  // The first is always due: before it there is nothing to go back to.
  expect((await compact(address, hour)).version).toBe(1);
  await edit(address, typeInDiagram("a"));
  expect(await compact(address, hour)).toMatchObject({ outcome: "compacted", version: null });
  await database.sql`
    update document_versions set created_at = now() - interval '61 minutes' where document_id = ${address.documentId}`;
  await edit(address, typeInDiagram("b"));
  expect((await compact(address, hour)).version).toBe(2);
  expect((await versionsOf(address)).map(({ diagram }) => diagram)).toEqual([null, "ba"]);
});

test("[C5] two compactions at once leave one version and no gap in the numbers", async () => {
  const rounds = 8;
  const rows = keystrokeRows(rounds * 10);
  const address = await withRows([]);
  for (let round = 0; round < rounds; round += 1) {
    await appendRows(database.sql, address, rows.slice(round * 10, (round + 1) * 10));
    const results = await Promise.all([compact(address), compact(address), compact(address)]);
    const written = results.map(({ version }) => version).filter((version) => version !== null);
    expect(written).toEqual([round + 1]);
  }
  const versions = await versionsOf(address);
  expect(versions.map(({ number }) => number)).toEqual(versions.map((_, index) => index + 1));
  expect(versions.map(({ seq }) => seq)).toEqual(versions.map((_, index) => (index + 1) * 10));
  for (const { seq, content } of versions) {
    expect(content).toEqual(yDocToContent(await replayRows(database.sql, address, seq)));
  }
  expect(await readHead(database.sql, address)).toMatchObject({
    head: rounds * 10,
    state: rounds * 10,
  });
});

test("a version holds a text that PostgreSQL's own types cannot", async () => {
  const address = await withRows(keystrokeRows(5));
  await edit(address, (doc) => {
    doc.getText("diagram").insert(0, "a\0b");
    const text = (doc.getXmlFragment("default").get(0) as Y.XmlElement).get(0) as Y.XmlText;
    text.insert(0, "\0\uD83D");
  });
  expect((await compact(address)).version).toBe(1);
  await edit(address, typeInDiagram("c"));
  await edit(address, (doc) => doc.getText("diagram").delete(0, 1));
  // Compared as it is stored, or the same text would be a new version each time.
  expect((await compact(address)).version).toBeNull();
});
