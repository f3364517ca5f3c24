import { expect, test } from "vitest";
import * as Y from "yjs";
import { typedUpdates } from "../bench/content.ts";
import { compactDocument } from "../persistence/compaction.ts";
import { loadDocument } from "../persistence/load-document.ts";
import { projectDocument } from "../persistence/projection.ts";
import type { Sql } from "../persistence/database.ts";
import { difference } from "../persistence/proof.ts";
import { documentsToSweep } from "../persistence/sweep.ts";
import { documentName } from "../schema/ids.ts";
import { appendRows, countRows, keystrokeRows, readHead, replayRows } from "./support/log-rows.ts";
import { connectWire, openWire, type WireClient } from "./support/wire-client.ts";
import { useWorld } from "./support/world.ts";

const world = await useWorld();

async function open(documentId: string): Promise<WireClient> {
  const name = documentName(documentId, "content");
  const client = await openWire({ url: world.node.url, name, token: world.tenant.token });
  world.clients.push(client);
  await client.answered();
  return client;
}

const ROWS = 40;
const BAD = 25;

/** Valid but for its last byte: its structs are applied before the missing list of deletions throws. */
const halfReadable = (update: Uint8Array): Uint8Array => update.subarray(0, update.length - 1);

const orphan = typedUpdates(7, 2)[1] ?? new Uint8Array();

type Poison = (sql: Sql, documentId: string, row: Uint8Array) => Promise<unknown>;

const garbage: Poison = (sql, id) => setRow(sql, id, Uint8Array.of(255, 255, 255, 255));
const half: Poison = (sql, id, row) => setRow(sql, id, halfReadable(row));

const poisons: [string, Poison][] = [
  ["garbage", garbage],
  ["empty", (sql, id) => setRow(sql, id, new Uint8Array())],
  ["readable only half-way", half],
  ["waiting for a row that is not there", (sql, id) => setRow(sql, id, orphan)],
  ["missing", (sql, id) => sql`delete from yjs_updates where document_id = ${id} and seq = ${BAD}`],
];

const setRow = (sql: Sql, documentId: string, update: Uint8Array) =>
  sql`update yjs_updates set update_data = ${update} where document_id = ${documentId} and seq = ${BAD}`;

async function poisoned(poison: Poison) {
  const { documentId } = await world.tenant.document();
  const address = { documentId, part: "content" } as const;
  const rows = keystrokeRows(ROWS);
  await appendRows(world.database.sql, address, rows);
  const good = await replayRows(world.database.sql, address, BAD - 1);
  await poison(world.database.sql, documentId, rows[BAD - 1] ?? new Uint8Array());
  return { documentId, address, good };
}

test.each(poisons)(
  "[T22] a row that is %s: the document opens read-only as it was before it",
  async (_what, poison) => {
    const { documentId, address, good } = await poisoned(poison);
    const rows = await countRows(world.database.sql, address);
    const healthy = await open((await world.tenant.document()).documentId);
    const reader = await open(documentId);
    expect(reader.document.store.pendingStructs).toBeNull();
    expect(difference(reader.document, good)).toBeNull();
    expect(await readHead(world.database.sql, address)).toMatchObject({
      head: ROWS,
      state: 0,
      quarantined: BAD,
    });
    const { accepted } = reader;
    reader.document.getText("diagram").insert(0, "lost?");
    await reader.answered();
    expect([reader.closed, reader.accepted, reader.refused]).toEqual([null, accepted, 1]);
    healthy.document.getText("diagram").insert(0, "fine");
    await healthy.answered();
    expect([healthy.closed, healthy.refused]).toEqual([null, 0]);
    expect([
      await readHead(world.database.sql, address),
      await countRows(world.database.sql, address),
    ]).toEqual([{ head: ROWS, state: 0, projected: 0, quarantined: BAD }, rows]);
  },
);

test("[T22] many who open a poisoned document at once all get it, read-only", async () => {
  const { documentId, good } = await poisoned(half);
  const name = documentName(documentId, "content");
  const readers = Array.from({ length: 12 }, () =>
    connectWire({ url: world.node.url, name, token: world.tenant.token }),
  );
  world.clients.push(...readers);
  await Promise.all(readers.map((reader) => reader.synced()));
  for (const reader of readers) expect(difference(reader.document, good)).toBeNull();
});

test("[T22] upkeep passes a quarantined document by, and changes nothing", async () => {
  const { documentId, address } = await poisoned(garbage);
  await open(documentId);
  const before = await readHead(world.database.sql, address);
  const sweep = await documentsToSweep(world.database.sql, { minRows: 1, limit: 1000 });
  expect(sweep.toProject).not.toContain(documentId);
  expect(sweep.toCompact.map((each) => each.documentId)).not.toContain(documentId);
  expect(await projectDocument(world.database.sql, documentId)).toMatchObject({
    outcome: "quarantined",
  });
  const versions = { minIntervalMs: 0 };
  await expect(compactDocument(world.database.sql, address, { versions })).rejects.toMatchObject({
    code: "document_quarantined",
  });
  expect(await readHead(world.database.sql, address)).toEqual(before);
  const [document] = await world.database
    .sql`select content, content_text from documents where id = ${documentId}`;
  expect(document?.["content"]).toBeNull();
});

test("[T22] a snapshot that cannot be read: quarantined at its seq, and the rows after it are kept", async () => {
  const { documentId } = await world.tenant.document();
  const address = { documentId, part: "content" } as const;
  const rows = keystrokeRows(ROWS);
  await appendRows(world.database.sql, address, rows.slice(0, BAD));
  await compactDocument(world.database.sql, address, { versions: { minIntervalMs: 0 } });
  await appendRows(world.database.sql, address, rows.slice(BAD));
  await world.database
    .sql`update yjs_documents set state = '\\x00ff'::bytea where document_id = ${documentId}`;
  const reader = await open(documentId);
  reader.document.getText("diagram").insert(0, "x");
  await reader.answered();
  expect([reader.closed, reader.refused]).toEqual([null, 1]);
  expect(await readHead(world.database.sql, address)).toMatchObject({
    head: ROWS,
    quarantined: BAD,
  });
  expect(await countRows(world.database.sql, address)).toBe(ROWS - BAD);
});

test("[T22] two bad rows: the first one counts", async () => {
  const { documentId, address } = await poisoned(garbage);
  await world.database
    .sql`delete from yjs_updates where document_id = ${documentId} and seq = ${BAD - 5}`;
  await world.database
    .sql`delete from yjs_updates where document_id = ${documentId} and seq = ${BAD + 5}`;
  const { quarantine } = await loadDocument(world.database.sql, address, new Y.Doc());
  expect(quarantine).toMatchObject({ seq: BAD - 5 });
});
