import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCollaboration } from "../client/index.ts";
import { DISK_FULL, type InsertFault, installInsertFault } from "./support/insert-fault.ts";
import { writeNote } from "./support/notes.ts";
import { startTestNode } from "./support/node.ts";
import { Oracle } from "./support/oracle.ts";
import { differences, faultsInDatabase, replay, TEXT } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";
import { useTenant } from "./support/tenant.ts";
import { openTypist } from "./support/typist.ts";
import { until } from "./support/until.ts";

const DOCUMENTS = sized(4, 16);
const TOTAL_BYTES = DOCUMENTS * sized(32, 256) * 1024;

/** Nobody reaches it: all of them type alike, so when the total is full each is far from half of it. */
const DOCUMENT_BYTES = TOTAL_BYTES / 2;

/** One edit more than the bound may be in, with what it costs beyond its bytes. */
const ONE_EDIT_BYTES = 1024;

/** The writer is to be told many times, and the test need not wait for its patience. */
const QUICK = { minMs: 50, firstMs: 100, maxMs: 400 };

const { database, tenant } = await useTenant();
let node: Awaited<ReturnType<typeof startTestNode>>;
let fault: InsertFault;
const random = createRandom();

beforeAll(async () => {
  fault = await installInsertFault(database.sql);
  node = await startTestNode(database, {
    DOCUMENT_BACKLOG_BYTES: String(DOCUMENT_BYTES),
    TOTAL_BACKLOG_BYTES: String(TOTAL_BYTES),
  });
});
afterAll(() => node.close());

/** Somebody who types in a document of his own, and somebody who reads it. */
async function openPair(oracle: Oracle) {
  const { documentId, name } = await tenant.document();
  const options = { url: node.url, documentId, token: tenant.token, oracle, random };
  const typist = await openTypist(options);
  const reader = createCollaboration({ ...options, backoff: QUICK });
  await until(() => reader.status === "saved", { describe: "the reader has it open" });
  const statuses = new Set<string>();
  reader.on("status", (status) => statuses.add(status));
  return { documentId, name, typist, reader, statuses };
}

test("[L7] many documents that wait, none of them full, fill what all may have: every writer is told, readers go on, and it passes", async () => {
  const oracle = new Oracle();
  const pairs = await Promise.all(Array.from({ length: DOCUMENTS }, () => openPair(oracle)));
  const quiet = await tenant.document();
  const writer = createCollaboration({
    url: node.url,
    documentId: quiet.documentId,
    token: tenant.token,
    backoff: QUICK,
  });
  await until(() => writer.status === "saved");
  const seenByWriter = new Set<string>();
  writer.on("status", (status) => seenByWriter.add(status));
  const backlogOf = (name: string): number =>
    node.collaboration.documents.live(name)?.log.backlogBytes ?? 0;

  await fault.refuse(Infinity, DISK_FULL);
  while (pairs.some(({ typist }) => typist.closeCode === null)) {
    for (const { typist } of pairs) if (typist.closeCode === null) typist.edit();
    await turn();
    expect(node.updateLog.backlogBytes).toBeLessThan(TOTAL_BYTES + ONE_EDIT_BYTES);
  }
  expect(pairs.map(({ typist }) => typist.closeCode)).toEqual(pairs.map(() => 4503));
  expect(node.updateLog.backlogBytes).toBeGreaterThanOrEqual(TOTAL_BYTES);
  for (const { name } of pairs) expect(backlogOf(name)).toBeLessThan(DOCUMENT_BYTES);
  expect(oracle.acknowledged, "acknowledged while nothing can be stored").toBe(0);

  // Of his document nothing waits, and he is told all the same.
  writeNote(writer.document, "kept by the client");
  await until(() => seenByWriter.has("offline"), { describe: "the writer is told" });
  expect([backlogOf(quiet.name), writer.status === "saved"]).toEqual([0, false]);
  for (const { reader } of pairs) {
    await until(() => reader.document.getText(TEXT).length > 0, { describe: "it is read" });
  }
  expect(pairs.flatMap(({ statuses }) => [...statuses])).toEqual([]);

  await fault.refuse(0, DISK_FULL);
  await until(() => node.updateLog.backlogBytes === 0, { describe: "the backlog is stored" });
  await writer.saved();
  for (const { documentId, reader, statuses } of pairs) {
    const stored = await replay(database.sql, documentId);
    await until(() => differences([stored, reader.document]).length === 0);
    expect([...statuses]).toEqual([]);
    writeNote(reader.document, "and goes on");
    await reader.saved();
    stored.destroy();
  }
  expect(node.updateLog.failingSinceMs).toBeNull();
  expect(await faultsInDatabase(database.sql, oracle)).toEqual([]);
  const open = [writer, ...pairs.map(({ reader }) => reader)];
  await Promise.all([
    ...open.map((each) => each.close()),
    ...pairs.map(({ typist }) => typist.destroy()),
  ]);
  for (const { document } of open) document.destroy();
  await until(() => node.updateLog.openDocuments === 0, { describe: "all are unloaded" });
});
