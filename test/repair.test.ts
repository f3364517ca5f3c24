import { expect, test } from "vitest";
import * as Y from "yjs";
import { compactDocument } from "../persistence/compaction.ts";
import type { Sql } from "../persistence/database.ts";
import { exportDocument } from "../persistence/export-document.ts";
import { projectDocument } from "../persistence/projection.ts";
import { difference } from "../persistence/proof.ts";
import { repairDocument } from "../persistence/repair.ts";
import { verifyDocument } from "../persistence/verify.ts";
import { documentName } from "../schema/ids.ts";
import { askAdmin, runAdmin } from "./support/admin-process.ts";
import { appendRows, countRows, readHead, replayRows } from "./support/log-rows.ts";
import { until } from "./support/until.ts";
import { connectWire, openWire, type WireClient } from "./support/wire-client.ts";
import { useWorld } from "./support/world.ts";

const world = await useWorld();
const { sql, env } = world.database;

const ROWS = 20;
const BAD = 12;

/** Two people, each in a text of his own: what one wrote does not build on what the other wrote. */
function twoWriters(): Uint8Array[] {
  const docs = [new Y.Doc(), new Y.Doc()];
  // Of two who insert at the same place, the one with the lower id comes first.
  for (const [index, doc] of docs.entries()) doc.clientID = 1_000_000 + index;
  return Array.from({ length: ROWS }, (_, index) => {
    const doc = docs[index % 2] as Y.Doc;
    let row: Uint8Array = new Uint8Array();
    doc.once("update", (update: Uint8Array) => {
      row = update;
    });
    // The diagram for both, always at the start: each builds on himself alone.
    doc.getText("diagram").insert(0, index % 2 === 0 ? "a" : "b");
    return row;
  });
}

/** A document of {@link twoWriters}, whose Yjs clients are bound to the tenant's user. */
async function makeDocument() {
  const { documentId } = await world.tenant.document();
  const address = { documentId, part: "content" } as const;
  const author = { userId: world.tenant.userId, agentId: null };
  const rows = twoWriters();
  await appendRows(sql, address, rows, author);
  const clients = rows.flatMap((row) => [...Y.parseUpdateMeta(row).to.keys()]);
  await sql`
    insert into yjs_clients ${sql([...new Set(clients)].map((client) => ({ document_id: documentId, client_id: client, user_id: world.tenant.userId, first_seq: 1 })))}`;
  return { documentId, address, rows, name: documentName(documentId, "content") };
}

const setRow = (documentId: string, seq: number, update: Uint8Array) =>
  sql`update yjs_updates set update_data = ${update} where document_id = ${documentId} and seq = ${seq}`;

const deleteRow = (documentId: string, seq: number) =>
  sql`delete from yjs_updates where document_id = ${documentId} and seq = ${seq}`;

const GARBAGE = Uint8Array.of(255, 255, 255, 255);

async function open(name: string): Promise<WireClient> {
  const client = await openWire({ url: world.node.url, name, token: world.tenant.token });
  world.clients.push(client);
  await client.answered();
  return client;
}

const setAside = (documentId: string) => sql<
  { seq: number; kind: string; original: Uint8Array | null; reason: string }[]
>`
  select seq::int, kind, original, reason from yjs_set_aside where document_id = ${documentId} order by seq`;

const problems = async (documentId: string) => (await verifyDocument(sql, documentId)).problems;

test("[T22] a poisoned row: named, set aside with what builds on it, and the document lives again", async () => {
  const { documentId, address, name } = await makeDocument();
  const neighbour = await open(documentName((await world.tenant.document()).documentId, "content"));
  await setRow(documentId, BAD, GARBAGE);
  const reader = await open(name);
  expect(reader.document.getText("diagram").length).toBe(BAD - 1);
  expect(await problems(documentId)).toMatchObject([{ check: "load", seq: BAD, part: "content" }]);
  expect((await readHead(sql, address)).quarantined).toBe(BAD);

  // Without --yes nothing is changed. The seq of the other writer stay.
  const dry = await runAdmin(["repair"], { env });
  expect([dry.code, dry.stdout]).toEqual([1, expect.stringContaining("Nothing was changed")]);
  expect(dry.stdout).toContain(`seq ${BAD}  set aside`);
  expect((await readHead(sql, address)).quarantined).toBe(BAD);
  const bad = [12, 14, 16, 18, 20];
  const answer = await askAdmin<{ parts: { keptRows: number; setAside: { seq: number }[] }[] }>(
    ["repair", "--document", documentId, "--yes"],
    { env },
  );
  expect(answer.parts.map(({ keptRows }) => keptRows)).toEqual([ROWS - bad.length]);
  expect(answer.parts.flatMap((part) => part.setAside.map(({ seq }) => seq))).toEqual(bad);

  // The originals are kept, and seq has no gaps.
  const kept = await setAside(documentId);
  expect(kept.map(({ seq, kind }) => [seq, kind])).toEqual(bad.map((seq) => [seq, "update"]));
  expect(Buffer.from(kept[0]?.original ?? [])).toEqual(Buffer.from(GARBAGE));
  expect(await readHead(sql, address)).toMatchObject({ head: ROWS + 1, quarantined: null });
  expect(await problems(documentId)).toEqual([]);
  const again = await runAdmin(["repair", "--all", "--yes"], { env });
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining("0 parts repaired")]);

  // The reader is sent away to come back; then people edit it again, and all that follows from edits follows.
  expect(await reader.untilClosed()).toEqual({ code: 1012, reason: "restarting" });
  const writer = await open(name);
  expect(writer.document.getText("diagram").toJSON()).toBe("a".repeat(10) + "b".repeat(5));
  writer.document.getText("diagram").insert(0, "new ");
  await writer.answered();
  expect([writer.closed, writer.refused]).toEqual([null, 0]);
  await compactDocument(sql, address, { versions: { minIntervalMs: 0 } });
  expect(await projectDocument(sql, documentId)).toMatchObject({ outcome: "projected" });
  const { diagramSource } = await exportDocument(sql, documentId);
  expect(diagramSource).toBe(`new ${"a".repeat(10)}${"b".repeat(5)}`);
  expect(await problems(documentId)).toEqual([]);
  expect(difference(writer.document, await replayRows(sql, address))).toBeNull();
  expect([neighbour.closed, neighbour.refused]).toEqual([null, 0]);
});

test("[T22 L4] rows that are missing, at the end too: nothing else is lost", async () => {
  const { documentId, address } = await makeDocument();
  await deleteRow(documentId, 7);
  await deleteRow(documentId, ROWS);
  await repairDocument(sql, address, { dryRun: false });
  expect((await setAside(documentId)).map(({ seq, kind }) => [seq, kind])).toEqual([
    [7, "missing"],
    ...[9, 11, 13, 15, 17, 19].map((seq) => [seq, "update"]),
    [ROWS, "missing"],
  ]);
  expect(await problems(documentId)).toEqual([]);
  expect(await countRows(sql, address)).toBe(ROWS + 1);
});

test("[T22 L6] what is typed on a copy from before the repair is not appended; it comes back with its client", async () => {
  const { documentId, address, name } = await makeDocument();
  const writer = await open(name);
  // Broken on the disk while a sound copy is in memory.
  await setRow(documentId, BAD, GARBAGE);
  await repairDocument(sql, address, { dryRun: false });
  writer.document.getText("diagram").insert(0, "late ");
  expect(await writer.untilClosed()).toEqual({ code: 1012, reason: "restarting" });
  expect(writer.accepted).toBeLessThan(writer.sent);
  expect((await readHead(sql, address)).head).toBe(ROWS + 1);
  // Who still has it all brings back what had to be set aside.
  const back = connectWire({
    url: world.node.url,
    name,
    token: world.tenant.token,
    answer: (_, vector) => Y.encodeStateAsUpdate(writer.document, vector),
  });
  world.clients.push(back);
  await back.synced();
  await back.answered();
  await until(async () => (await readHead(sql, address)).head > ROWS + 1);
  const stored = await replayRows(sql, address);
  expect(stored.getText("diagram").toJSON()).toContain("late ");
  expect(stored.getText("diagram").length).toBe(ROWS + "late ".length);
  expect(await problems(documentId)).toEqual([]);
});

type Loss = (documentId: string) => Promise<unknown>;

const nothing: Loss = async () => {};
const history: Loss = (id) =>
  sql`delete from yjs_history where document_id = ${id} and first_seq = 1`;
const versions: Loss = (id) => sql`delete from document_versions where document_id = ${id}`;
const middle: Loss = async (id) => {
  await history(id);
  await sql`delete from yjs_history where document_id = ${id}`;
};

const SNAPSHOTS: [string, Loss[], { lostRows: number; length: number }][] = [
  ["the history is there", [versions], { lostRows: 0, length: ROWS }],
  ["a version and the history after it are there", [history], { lostRows: 0, length: ROWS }],
  ["only an older version is there", [middle], { lostRows: 5, length: 10 }],
  ["nothing is there", [middle, versions], { lostRows: 15, length: 0 }],
  ["all is there", [nothing], { lostRows: 0, length: ROWS }],
];

test.each(SNAPSHOTS)(
  "[T22] a snapshot that cannot be read, and %s",
  async (_, losses, expected) => {
    const { documentId, address, rows } = await makeDocument();
    const bytes = await sql<{ seq: number; update: Uint8Array }[]>`
    select seq::int, update_data as update from yjs_updates where document_id = ${documentId} order by seq`;
    await sql`delete from yjs_updates where document_id = ${documentId}`;
    await sql`update yjs_documents set head_seq = 0 where document_id = ${documentId}`;
    // Rows 1 to 10 and a version of them, 11 to 15 without one, and 16 to 20 in the log.
    await appendRows(
      sql,
      address,
      bytes.slice(0, 10).map(({ update }) => update),
    );
    await compactDocument(sql, address, { versions: { minIntervalMs: 0 } });
    await appendRows(
      sql,
      address,
      bytes.slice(10, 15).map(({ update }) => update),
    );
    await compactDocument(sql, address, { versions: { minIntervalMs: 3_600_000 } });
    await appendRows(
      sql,
      address,
      bytes.slice(15).map(({ update }) => update),
    );
    expect(rows).toHaveLength(ROWS);
    await sql`update yjs_documents set state = '\\x00ff'::bytea where document_id = ${documentId} and part = 'content'`;
    for (const loss of losses) await loss(documentId);

    const planned = await repairDocument(sql, address, { dryRun: true });
    expect(planned.snapshot?.lostRows).toBe(expected.lostRows);
    expect(await setAside(documentId)).toEqual([]);
    await repairDocument(sql, address, { dryRun: false });
    const [kept] = await setAside(documentId);
    expect([kept?.seq, kept?.kind]).toEqual([15, "snapshot"]);
    const { diagramSource } = await exportDocument(sql, documentId);
    expect((diagramSource ?? "").length).toBe(expected.length);
    const left = (await problems(documentId)).filter(({ check }) => check !== "history");
    expect(left).toEqual([]);
    expect((await repairDocument(sql, address, { dryRun: false })).outcome).toBe("sound");
  },
);

test("[T22] rows outside of the log are set aside: they would stand in the way of what is typed next", async () => {
  const { documentId, address, name } = await makeDocument();
  await sql`
    insert into yjs_updates (document_id, seq, update_data, batch_id)
    values (${documentId}, ${ROWS + 1}, '\\x0000', gen_random_uuid())`;
  await repairDocument(sql, address, { dryRun: false });
  expect((await setAside(documentId)).map(({ kind }) => kind)).toEqual(["stray"]);
  const writer = await open(name);
  writer.document.getText("diagram").insert(0, "x");
  await writer.answered();
  expect(await problems(documentId)).toEqual([]);
});

test("[T22] a mark goes by itself when the document loads whole again", async () => {
  const { documentId, address, rows, name } = await makeDocument();
  await setRow(documentId, BAD, GARBAGE);
  const reader = await open(name);
  await setRow(documentId, BAD, rows[BAD - 1] ?? GARBAGE);
  await reader.close();
  await until(() => world.node.collaboration.documents.getDocumentsCount() === 0);
  const writer = await open(name);
  writer.document.getText("diagram").insert(0, "x");
  await writer.answered();
  expect([writer.closed, writer.refused]).toEqual([null, 0]);
  expect((await readHead(sql, address)).quarantined).toBeNull();
});

const STATEMENTS = ["lock", "rows", "snapshot", "append", "proof", "commit"];

test.each(STATEMENTS)(
  "[T22 C4] a repair that is killed before %s leaves the old state",
  async (statement) => {
    const { documentId, address } = await makeDocument();
    await setRow(documentId, BAD, GARBAGE);
    const before = await stateOf(sql, documentId);
    const killed = repairDocument(sql, address, {
      dryRun: false,
      atStatement: async (name) => {
        if (name === statement) await killTransactions();
      },
    });
    await expect(killed).rejects.toThrow();
    expect(await stateOf(sql, documentId)).toEqual(before);
    expect((await repairDocument(sql, address, { dryRun: false })).outcome).toBe("repaired");
    expect(await problems(documentId)).toEqual([]);
  },
);

/** Ends, at PostgreSQL, every connection of this test that is inside a transaction. */
const killTransactions = () => sql`
  select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and state = 'idle in transaction' and pid <> pg_backend_pid()`;

const stateOf = async (tx: Sql, documentId: string) => [
  await tx`select seq, md5(update_data) from yjs_updates where document_id = ${documentId} order by seq`,
  await tx`select head_seq, md5(state), repairs, quarantined_seq from yjs_documents where document_id = ${documentId}`,
  await tx`select * from yjs_set_aside where document_id = ${documentId}`,
];
