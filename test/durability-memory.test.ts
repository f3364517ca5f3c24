import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import * as Y from "yjs";
import { authFrame, EMPTY_STATE_VECTOR, EMPTY_UPDATE, SYNC, syncFrame } from "../bench/wire.ts";
import { difference } from "../persistence/proof.ts";
import { closeCommitGate, installCommitGate } from "./support/commit-gate.ts";
import { heldBytes } from "./support/heap.ts";
import { replayRows } from "./support/log-rows.ts";
import { startTestNode } from "./support/node.ts";
import { openRaw, type RawSocket } from "./support/raw-socket.ts";
import { sized } from "./support/size.ts";
import { useTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { openWire, type WireClient } from "./support/wire-client.ts";

const MIB = 1024 * 1024;

/** By night the server's default. */
const LIMIT_BYTES = sized(2, 8) * MIB;
/** So many that what the driver holds of the statement on its way, a few MiB in all, is little of each. */
const DOCUMENTS = sized(8, 10);
const HANG_MS = sized(1000, 60_000);

const { database, tenant } = await useTenant();
let node: Awaited<ReturnType<typeof startTestNode>>;
const writers: Writer[] = [];

beforeAll(async () => {
  await installCommitGate(database.sql);
  node = await startTestNode(database, { DOCUMENT_BACKLOG_BYTES: String(LIMIT_BYTES) });
});
afterEach(async () => {
  for (const { socket, reader } of writers.splice(0)) {
    socket.ws.terminate();
    await reader.close();
  }
});
afterAll(() => node.close());

/** Somebody who types, and somebody who reads. */
type Writer = {
  readonly name: string;
  readonly documentId: string;
  readonly socket: RawSocket;
  readonly doc: Y.Doc;
  /** What he types at a time. */
  readonly key: string;
  readonly reader: WireClient;
};

async function openWriter(key: string): Promise<Writer> {
  const { documentId, name } = await tenant.document();
  const { token } = tenant;
  const socket = await openRaw(node.url);
  socket.send(
    authFrame(name, token),
    syncFrame(name, SYNC.step1, EMPTY_STATE_VECTOR),
    syncFrame(name, SYNC.step2, EMPTY_UPDATE),
  );
  await socket.settled(name);
  const doc = new Y.Doc();
  doc.on("update", (update: Uint8Array) => socket.send(syncFrame(name, SYNC.update, update)));
  const reader = await openWire({ url: node.url, name, token });
  return { name, documentId, socket, doc, key, reader };
}

async function type({ doc, socket, key }: Writer, isEnough: () => boolean): Promise<void> {
  const text = doc.getText("diagram");
  while (!isEnough()) {
    for (let count = 0; count < 50 && socket.ws.bufferedAmount < MIB; count += 1) {
      // At the start: at the end Yjs would copy the whole text with every key.
      text.insert(0, key);
    }
    await turn();
  }
}

const backlogOf = ({ name }: Writer): number =>
  node.collaboration.documents.live(name)?.log.backlogBytes ?? 0;

const lengthOf = (document: Y.Doc): number => document.getText("diagram").length;

/** True when the reader has all that the server took in. */
const isRead = ({ reader, name }: Writer): boolean => {
  const live = node.collaboration.documents.live(name);
  return live !== undefined && lengthOf(live.document) === lengthOf(reader.document);
};

/** Buffers are given back a moment after a collection has found them. */
async function settledBytes(): Promise<number> {
  heldBytes();
  await delay(500);
  return heldBytes();
}

// Keys one by one weigh most beside their bytes; a hundred letters are too many for an array within the heap.
test.each([1, 100])(
  "[L7 T9] while COMMIT hangs what waits takes no more memory than is allowed, then writers are told: %i letters at a time",
  { timeout: sized(60_000, 900_000) },
  async (letters) => {
    while (writers.length < DOCUMENTS) writers.push(await openWriter("x".repeat(letters)));
    const gate = await closeCommitGate(database.sql);
    for (const writer of writers) await type(writer, () => backlogOf(writer) > 0.9 * LIMIT_BYTES);
    await until(() => writers.every(isRead), { timeoutMs: 60_000, describe: "readers go on" });
    await delay(HANG_MS);
    const full = await settledBytes();
    await gate.open();
    await untilStored();
    // The documents are open, and everything typed is in them: what is gone is what had waited.
    const waited = (full - (await settledBytes())) / DOCUMENTS / MIB;
    process.stdout.write(`MiB that waited, a document: ${waited.toFixed(1)}\n`);
    expect(waited).toBeLessThan(LIMIT_BYTES / MIB);

    const again = await closeCommitGate(database.sql);
    for (const writer of writers) {
      await type(writer, () => writer.socket.closed !== null);
      expect(writer.socket.closed).toEqual({ code: 4503, reason: "storage_unavailable" });
      expect(backlogOf(writer)).toBeLessThan(LIMIT_BYTES + 1024);
    }
    await until(() => writers.every(isRead), { timeoutMs: 60_000, describe: "they still go on" });
    await again.open();
    await untilStored();
    for (const { documentId, reader } of writers) {
      const replayed = await replayRows(database.sql, { documentId, part: "content" });
      expect(difference(reader.document, replayed)).toBeNull();
      expect(reader.closed).toBeNull();
    }
  },
);

const untilStored = (): Promise<void> =>
  until(() => node.updateLog.backlogBytes === 0, {
    timeoutMs: 60_000,
    describe: "everything is stored",
  });
