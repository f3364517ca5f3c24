import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { appendAgain, appendUpdates, type Author } from "../persistence/append-updates.ts";
import { lockHead } from "../persistence/content-state.ts";
import { compactDocument } from "../persistence/compaction.ts";
import { difference } from "../persistence/proof.ts";
import { UpdateLog } from "../persistence/update-log.ts";
import { parseDocumentName } from "../schema/ids.ts";
import {
  countRows,
  keystrokeRows,
  keystrokeText,
  readAllRows,
  replayRows,
} from "./support/log-rows.ts";
import { startTestNode } from "./support/node.ts";
import { createRandom } from "./support/seed.ts";
import { useTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { openWire } from "./support/wire-client.ts";
import { firstText } from "../bench/content.ts";

const NEW = { headSeq: 0, repairs: 0 };

const { database, tenant } = await useTenant();
const random = createRandom();

const createLog = (onFailed?: (name: string) => void): UpdateLog =>
  new UpdateLog({
    connect: () => database.database.connect({ maxConnections: 1 }),
    logger: pino({ level: "silent" }),
    windowMs: 20,
    commitTimeoutMs: 10_000,
    documentBacklogBytes: 8 * 1024 * 1024,
    totalBacklogBytes: 64 * 1024 * 1024,
    onFailed: ({ name }) => onFailed?.(name),
  });

const author = (): Author => ({ userId: randomUUID(), agentId: null });

test("[L4] many documents in one commit: each has its rows in order, without a gap", async () => {
  const documents = await Promise.all(Array.from({ length: 60 }, () => tenant.document()));
  const log = createLog();
  const [one, other] = [author(), author()];
  const expected = new Map<string, Author[]>();
  const updates = keystrokeRows(8);
  const logs = documents.map(({ name }) => log.open(parseDocumentName(name), NEW));
  for (const update of updates) {
    for (const each of logs) {
      const who = random() < 0.5 ? one : other;
      log.append(each, update, who);
      const authors = expected.get(each.address.documentId) ?? [];
      // Consecutive updates of one author are one row.
      if (authors.at(-1) !== who) authors.push(who);
      expected.set(each.address.documentId, authors);
    }
  }
  await Promise.all(logs.map((each) => log.drained(each)));
  await log.close(1000);
  for (const { address } of logs) {
    const rows = await readAllRows(database.sql, address);
    expect(rows.map((row) => row.author)).toEqual(expected.get(address.documentId));
    expect(firstText(await replayRows(database.sql, address)).toString()).toBe(keystrokeText(8));
  }
  // now() is the time of a transaction: one commit for all of them.
  const [times] = await database.sql<{ count: number }[]>`
    select count(distinct created_at)::int as count from yjs_updates
    where document_id = any(${documents.map(({ documentId }) => documentId)}::uuid[])`;
  expect(times?.count).toBe(1);
});

test("[L4 L7] who has megabytes to commit lets the others in between, and keeps his order", async () => {
  const log = createLog();
  const made = await Promise.all(Array.from({ length: 4 }, () => tenant.document()));
  const logs = made.map(({ name }) => log.open(parseDocumentName(name), NEW));
  const [small, ...heavy] = logs.toReversed();
  if (small === undefined) throw new Error("no document");
  const doc = new Y.Doc();
  const who = author();
  doc.on("update", (update: Uint8Array) => {
    for (const each of heavy) log.append(each, update, who);
  });
  for (let count = 0; count < 25; count += 1) doc.getText("text").insert(0, "x".repeat(200_000));
  const [update = new Uint8Array()] = keystrokeRows(1);
  log.append(small, update, who);
  await log.drained(small);
  // Each of the others has had a turn or two, of a quarter of a mebibyte.
  for (const each of heavy) expect(each.backlogBytes).toBeGreaterThan(4 * 1024 * 1024);
  await Promise.all(heavy.map((each) => log.drained(each)));
  expect(log.backlogBytes).toBe(0);
  await log.close(1000);
  for (const { address } of heavy) {
    expect((await readAllRows(database.sql, address)).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 25 }, (_, index) => index + 1),
    );
    expect(difference(await replayRows(database.sql, address), doc)).toBeNull();
  }
});

test("[L4] two nodes that append to the same documents give out every seq once", async () => {
  const documents = await Promise.all(Array.from({ length: 5 }, () => tenant.document()));
  const nodes = [createLog(), createLog(), createLog()];
  const writers = nodes.flatMap((log) =>
    documents.map(({ name }) => ({ log, document: log.open(parseDocumentName(name), NEW) })),
  );
  const doc = new Y.Doc();
  let appended = 0;
  doc.on("update", (update: Uint8Array) => {
    const writer = writers[appended % writers.length];
    appended += 1;
    if (writer !== undefined) writer.log.append(writer.document, update, author());
  });
  for (let round = 0; round < 10; round += 1) {
    for (let count = 0; count < writers.length; count += 1) doc.getText("diagram").insert(0, "x");
    await Promise.all(writers.map(({ log, document }) => log.drained(document)));
  }
  await Promise.all(nodes.map((log) => log.close(1000)));
  let rows = 0;
  for (const { documentId } of documents) {
    rows += (await readAllRows(database.sql, { documentId, part: "content" })).length;
  }
  expect(rows).toBe(appended);
});

test("[L4 L7] who writes anew is not kept waiting by a document that rests before its next attempt", async () => {
  const log = createLog();
  const made = await Promise.all(Array.from({ length: 2 }, () => tenant.document()));
  const [refused, other] = made.map(({ name }) => log.open(parseDocumentName(name), NEW));
  if (refused === undefined || other === undefined) throw new Error("no document");
  const [update = new Uint8Array()] = keystrokeRows(1);
  log.append(refused, update, { userId: "nobody", agentId: null });
  // From here on it rests for a second at a time.
  await until(() => refused.attempts === 5);
  for (let count = 0; count < 3; count += 1) {
    log.append(other, update, author());
    await log.drained(other);
  }
  expect(refused.attempts).toBe(5);
  await log.close(0);
});

test("[L4 L7] a document that another transaction holds waits alone: its neighbours commit, and then it does", async () => {
  const log = createLog();
  const made = await Promise.all(Array.from({ length: 3 }, () => tenant.document()));
  const [held, ...others] = made.map(({ name }) => log.open(parseDocumentName(name), NEW));
  if (held === undefined) throw new Error("no document");
  const updates = keystrokeRows(6);
  const who = author();
  await database.sql.begin(async (tx) => {
    await lockHead(tx, held.address);
    for (const update of updates) {
      for (const each of [held, ...others]) log.append(each, update, who);
      await Promise.all(others.map((each) => log.drained(each)));
    }
    expect([held.committed, held.headSeq, held.failure, log.failingSinceMs]).toEqual([
      0,
      0,
      null,
      null,
    ]);
  });
  await log.drained(held);
  await log.close(1000);
  for (const { address } of [held, ...others]) {
    expect(firstText(await replayRows(database.sql, address)).toString()).toBe(keystrokeText(6));
  }
});

test("[L5] a batch in doubt whose document is held is busy, and there once when it is let go", async () => {
  const { documentId } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  const rows = keystrokeRows(3).map((update) => ({ update, author: author(), newClients: [] }));
  const batch = { ...address, batchId: randomUUID(), knownHeadSeq: 0, rows };
  await database.sql.begin(async (tx) => {
    // Its first attempt, which has not been committed yet.
    await appendUpdates(tx, [batch]);
    expect(await appendAgain(database.sql, batch)).toEqual({ ...address, outcome: "busy" });
    expect(await appendUpdates(database.sql, [batch])).toEqual([{ ...address, outcome: "busy" }]);
  });
  expect(await appendAgain(database.sql, batch)).toMatchObject({ headSeq: 3 });
  expect((await readAllRows(database.sql, address)).length).toBe(3);
  await database.sql`delete from yjs_documents where document_id = ${documentId}`;
  expect(await appendAgain(database.sql, batch)).toBeNull();
  expect(await appendUpdates(database.sql, [batch])).toEqual([]);
});

test("[L5] a batch sent again after its reply was lost leaves one copy, before a compaction and after", async () => {
  const { documentId } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  const toBatch = (updates: Uint8Array[], knownHeadSeq: number) => ({
    ...address,
    batchId: randomUUID(),
    knownHeadSeq,
    rows: updates.map((update) => ({ update, author: author(), newClients: [] })),
  });
  const updates = keystrokeRows(6);
  const batch = toBatch(updates.slice(0, 3), 0);
  await appendUpdates(database.sql, [batch]);
  expect(await appendAgain(database.sql, batch)).toMatchObject({ headSeq: 3 });
  await compactDocument(database.sql, address, { versions: { minIntervalMs: 0 } });
  expect(await appendAgain(database.sql, batch)).toMatchObject({ headSeq: 3 });
  const rest = toBatch(updates.slice(3), 3);
  expect(await appendAgain(database.sql, rest)).toMatchObject({ headSeq: 6 });
  expect(await appendAgain(database.sql, rest)).toMatchObject({ headSeq: 6 });
  expect((await readAllRows(database.sql, address)).length).toBe(6);
  expect(firstText(await replayRows(database.sql, address)).toString()).toBe(keystrokeText(6));
});

test("[L4] a document deleted amid a batch fails alone: its sockets close with 4404, its neighbours commit", async () => {
  const node = await startTestNode(database, { COMMIT_WINDOW_MS: "20" });
  const documents = await Promise.all(Array.from({ length: 5 }, () => tenant.document()));
  const clients = await Promise.all(
    documents.map(({ name }) => openWire({ url: node.url, name, token: tenant.token })),
  );
  await Promise.all(clients.map((client) => client.answered()));
  const deleted = documents[2]?.documentId ?? "";
  await database.sql`delete from documents where id = ${deleted}`;
  for (const client of clients) client.document.getText("diagram").insert(0, "kept");
  expect(await clients[2]?.untilClosed()).toEqual({ code: 4404, reason: "document_not_found" });
  for (const [index, client] of clients.entries()) {
    if (index === 2) continue;
    await client.answered();
    const address = { documentId: documents[index]?.documentId ?? "", part: "content" } as const;
    expect([client.closed, client.refused, await countRows(database.sql, address)]).toEqual([
      null,
      0,
      1,
    ]);
  }
  expect(clients[2]?.accepted).toBe(1);
  // No row and no retry is left of the one that is gone.
  expect(await countRows(database.sql, { documentId: deleted, part: "content" })).toBe(0);
  await until(() => node.updateLog.backlogBytes === 0);
  await Promise.all(clients.map((client) => client.close()));
  await until(() => node.updateLog.openDocuments === 0);
  await node.close();
});

test("[L4] a client id is bound to whoever wrote with it first", async () => {
  const node = await startTestNode(database);
  const { documentId, name } = await tenant.document();
  const client = await openWire({ url: node.url, name, token: tenant.token });
  client.document.getText("diagram").insert(0, "mine");
  await client.answered();
  const bound = await database.sql<{ client: string; user: string; first: number }[]>`
    select client_id as client, user_id as user, first_seq::int as first
    from yjs_clients where document_id = ${documentId}`;
  expect(bound.map((row) => ({ ...row }))).toEqual([
    { client: String(client.document.clientID), user: tenant.userId, first: 1 },
  ]);
  await client.close();
  await until(() => node.collaboration.documents.getDocumentsCount() === 0);
  await node.close();
});
