import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Collaboration, createCollaboration } from "../client/index.ts";
import { closeCommitGate, type Gate, installCommitGate } from "./support/commit-gate.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { heldBytes } from "./support/heap.ts";
import {
  CHECK_VIOLATION,
  DISK_FULL,
  type InsertFault,
  installInsertFault,
} from "./support/insert-fault.ts";
import { writeNote } from "./support/notes.ts";
import { Oracle } from "./support/oracle.ts";
import { type ProxiedNode, startProxiedNode } from "./support/proxied-node.ts";
import { differences, faultsInDatabase, replay, TEXT } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { openTypist, type Typist } from "./support/typist.ts";
import { until } from "./support/until.ts";

const BACKLOG_BYTES = sized(256 * 1024, 4 * 1024 * 1024);
const TROUBLE_MS = sized(1500, 60_000);

/** The writer is to be told many times, and the test need not wait for its patience. */
const QUICK = { minMs: 50, firstMs: 100, maxMs: 400 };

/** One edit more than the bound may be in, with what it costs beyond its bytes. */
const ONE_EDIT_BYTES = 1024;

/** Small backlogs are lost in what a heap grows and shrinks by anyway; the acceptance catalogue's figure is 10 %. */
const MOST_GROWTH = sized(1.25, 1.1);

/** What this process held after each trouble, bytes. */
const held: number[] = [];

let database: TestDatabase;
let tenant: Tenant;
let server: ProxiedNode;
let fault: InsertFault;
let gate: Gate | undefined;
const random = createRandom();

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database.sql);
  fault = await installInsertFault(database.sql);
  await installCommitGate(database.sql);
});
beforeEach(async () => {
  server = await startProxiedNode(database, {
    DOCUMENT_BACKLOG_BYTES: String(BACKLOG_BYTES),
    COMMIT_TIMEOUT_MS: "500",
  });
});
afterEach(() => server.close());
afterAll(() => database.close());

/** Types as fast as the server reads until it says that it is enough. */
async function typeUntilTold(typist: Typist): Promise<void> {
  while (typist.closeCode === null) {
    for (let edit = 0; edit < 20; edit += 1) typist.edit();
    await turn();
    expect(server.node.updateLog.backlogBytes).toBeLessThan(BACKLOG_BYTES + ONE_EDIT_BYTES);
  }
  expect(typist.closeCode).toBe(4503);
}

/** Every status a collaboration passes through from now on. */
function statusesOf(collaboration: Collaboration): Set<string> {
  const statuses = new Set<string>();
  collaboration.on("status", (status) => statuses.add(status));
  return statuses;
}

const TROUBLES = [
  {
    name: "the disk is full [T7]",
    begin: () => fault.refuse(Infinity, DISK_FULL),
    end: () => fault.refuse(0, DISK_FULL),
  },
  {
    name: "every INSERT is refused [T7]",
    begin: () => fault.refuse(Infinity, CHECK_VIOLATION),
    end: () => fault.refuse(0, CHECK_VIOLATION),
  },
  {
    name: "COMMIT hangs [T9]",
    begin: async () => {
      gate = await closeCommitGate(database.sql);
    },
    end: async () => gate?.open(),
  },
  {
    name: "PostgreSQL hangs [T9]",
    begin: async () => server.proxy.hang(),
    end: () => server.proxy.release(),
  },
  {
    name: "PostgreSQL is gone",
    begin: () => server.proxy.refuse(),
    end: () => server.proxy.release(),
  },
];

test.each(TROUBLES)(
  "[L7] while $name: readers go on, memory is bounded, writers are told, and it passes",
  async ({ begin, end }) => {
    const oracle = new Oracle();
    const { documentId } = await tenant.document();
    const { token } = tenant;
    const { url, node } = server;
    const options = { url, documentId, token, oracle, random, backoff: QUICK };
    const typist = await openTypist(options);
    const [reader, writer] = [createCollaboration(options), createCollaboration(options)];
    await until(() => reader.status === "saved" && writer.status === "saved");
    const [seenByReader, seenByWriter] = [statusesOf(reader), statusesOf(writer)];

    await begin();
    await typeUntilTold(typist);
    expect(oracle.acknowledged, "acknowledged while nothing can be stored").toBe(0);
    // The reader saw what was typed, up to the last edit that was taken in.
    const read = reader.document.getText(TEXT);
    await until(() => read.length > 0 && read.length === writer.document.getText(TEXT).length);
    writeNote(writer.document, "kept by the client");
    await until(() => seenByWriter.has("offline"), { describe: "the writer is told" });
    await delay(TROUBLE_MS);
    expect([...seenByReader]).toEqual([]);
    expect(oracle.acknowledged).toBe(0);
    expect(writer.status).not.toBe("saved");
    expect(node.updateLog.backlogBytes).toBeLessThan(BACKLOG_BYTES + ONE_EDIT_BYTES);

    await end();
    await until(() => node.updateLog.backlogBytes === 0, { describe: "the backlog is stored" });
    await writer.saved();
    expect(node.updateLog.failingSinceMs).toBeNull();
    const stored = await replay(database.sql, documentId);
    await until(() => differences([stored, reader.document, writer.document]).length === 0);
    expect(await faultsInDatabase(database.sql, oracle)).toEqual([]);
    await Promise.all([reader.close(), writer.close(), typist.destroy()]);
    for (const { document } of [reader, writer]) document.destroy();
    stored.destroy();
    await until(() => node.updateLog.openDocuments === 0, { describe: "the document is unloaded" });
    held.push(await settledBytes());
  },
);

/**
 * What is held once timers and closing sockets have let go of what they had: seconds later, not at once. The first
 * trouble is the measure for the others: after it everything is loaded and compiled that they need too.
 */
async function settledBytes(): Promise<number> {
  const [first] = held;
  let now = heldBytes();
  const isBack = (): boolean => {
    now = heldBytes();
    return first === undefined || now < first * MOST_GROWTH;
  };
  await until(isBack, { timeoutMs: 20_000 }).catch(() => {});
  return now;
}

test("[L7] when troubles have passed, the memory they took is free again", () => {
  const [first = 0, ...others] = held;
  expect(others).toHaveLength(TROUBLES.length - 1);
  expect(Math.max(...others) / first).toBeLessThan(MOST_GROWTH);
});
