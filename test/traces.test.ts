import { expect, test } from "vitest";
import * as Y from "yjs";
import { firstText, SKELETON } from "../bench/content.ts";
import { compactDocument } from "../persistence/compaction.ts";
import { loadDocument } from "../persistence/load-document.ts";
import { difference } from "../persistence/proof.ts";
import { countRows, replayRows } from "./support/log-rows.ts";
import { startTestNode } from "./support/node.ts";
import { sized } from "./support/size.ts";
import { useTenant } from "./support/tenant.ts";
import { concurrentTrace, sequentialTrace } from "./support/traces.ts";
import { until } from "./support/until.ts";
import { openWire, type WireClient } from "./support/wire-client.ts";

const { database, tenant } = await useTenant();

type TestNode = Awaited<ReturnType<typeof startTestNode>>;

const open = ({ url }: TestNode, name: string): Promise<WireClient> =>
  openWire({ url, name, token: tenant.token });

const diagramOf = (doc: Y.Doc): string => doc.getText("diagram").toJSON();

/** Updates in flight: what a client sends while PostgreSQL commits is bounded by the server (L7), not by it. */
const WINDOW = 2000;

async function sendAll(client: WireClient, updates: readonly Uint8Array[]): Promise<void> {
  for (let start = 0; start < updates.length; start += WINDOW / 2) {
    for (const update of updates.slice(start, start + WINDOW / 2)) client.send("update", update);
    await until(() => client.sent - client.accepted < WINDOW / 2 || client.closed !== null, {
      timeoutMs: 60_000,
    });
  }
  await client.answered();
  expect([client.closed, client.refused]).toEqual([null, 0]);
}

async function leave(node: TestNode, ...clients: WireClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
  await until(() => node.collaboration.documents.getDocumentsCount() === 0);
  await node.close();
}

test("[L1 L3 C2] a blog post, keystroke by keystroke: whole in memory, after a restart, after compaction", async () => {
  const { updates, text } = sequentialTrace("seph-blog1", sized(15_000, Number.POSITIVE_INFINITY));
  const { documentId, name } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  const first = await startTestNode(database);
  const [typist, reader] = [await open(first, name), await open(first, name)];
  await sendAll(typist, [SKELETON, ...updates]);
  const live = first.collaboration.documents.live(name);
  expect(live === undefined ? null : firstText(live.document).toString()).toBe(text);
  // Everything the server has was also broadcast.
  await until(() => firstText(reader.document).toString() === text, { timeoutMs: 60_000 });
  await leave(first, typist, reader);

  const second = await startTestNode(database);
  const later = await open(second, name);
  expect(firstText(later.document).toString()).toBe(text);
  await leave(second, later);

  const rows = await countRows(database.sql, address);
  const { outcome } = await compactDocument(database.sql, address, {
    versions: { minIntervalMs: 0 },
  });
  expect(outcome).toBe(rows > 0 ? "compacted" : "nothing_to_do");
  const compacted = new Y.Doc();
  expect(await loadDocument(database.sql, address, compacted)).toMatchObject({ tailRows: 0 });
  expect(firstText(compacted).toString()).toBe(text);
  expect(difference(compacted, await replayRows(database.sql, address))).toBeNull();
});

test("[L1 L3] people who type at the same time converge, through the server and in the log", async () => {
  const { agents, transactions } = concurrentTrace(
    "clownschool",
    sized(3000, Number.POSITIVE_INFINITY),
  );
  const merged = new Y.Doc();
  merged.transact(() => {
    for (const { update } of transactions) Y.applyUpdate(merged, update);
  });
  const { documentId, name } = await tenant.document();
  const node = await startTestNode(database);
  const writers = await Promise.all(Array.from({ length: agents }, () => open(node, name)));
  let committed = 0;
  for (const [index, { agent, update, parents }] of transactions.entries()) {
    // What it builds on came to its writer through the server; here the writer has to wait for it.
    const isAhead = parents.some(
      (parent) => parent >= committed && transactions[parent]?.agent !== agent,
    );
    if (isAhead || index - committed >= WINDOW) {
      await Promise.all(writers.map((writer) => writer.answered()));
      committed = index;
    }
    writers[agent]?.send("update", update);
  }
  await Promise.all(writers.map((writer) => writer.answered()));
  const late = await open(node, name);
  const everybody = [...writers, late];
  const expected = diagramOf(merged);
  await until(() => everybody.every(({ document }) => diagramOf(document) === expected), {
    timeoutMs: 25_000,
  });
  for (const { document, closed, refused } of everybody) {
    expect([closed, refused]).toEqual([null, 0]);
    expect(difference(document, merged)).toBeNull();
  }
  const replayed = await replayRows(database.sql, { documentId, part: "content" });
  expect(difference(replayed, merged)).toBeNull();
  await leave(node, ...everybody);
});
