import { performance } from "node:perf_hooks";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { typedUpdates } from "../bench/content.ts";
import { compactDocument, type CompactionOptions } from "../persistence/compaction.ts";
import { loadDocument } from "../persistence/load-document.ts";
import { difference } from "../persistence/proof.ts";
import { UpkeepThread } from "../persistence/upkeep-tasks.ts";
import {
  appendRows,
  countRows,
  keystrokeRows,
  readAllRows,
  readHead,
  replayRows,
} from "./support/log-rows.ts";
import { useTenant } from "./support/tenant.ts";

const { database, tenant } = await useTenant();

const ALWAYS = { versions: { minIntervalMs: 0 } };

/** A document whose log has these rows. */
async function withRows(updates: readonly Uint8Array[]) {
  const { documentId } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  await appendRows(database.sql, address, updates);
  return address;
}

const compact = (
  address: { documentId: string; part: "content" | "comments" },
  options: Partial<CompactionOptions> = {},
) => compactDocument(database.sql, address, { ...ALWAYS, ...options });

async function load(address: { documentId: string; part: "content" | "comments" }) {
  const doc = new Y.Doc();
  const stored = await loadDocument(database.sql, address, doc);
  return { doc, stored };
}

test("[C3 C4] compaction moves the rows it read to the history, and the document stays the same", async () => {
  const address = await withRows(keystrokeRows(2500));
  const before = await readAllRows(database.sql, address);
  const result = await compact(address);
  expect(result).toMatchObject({ outcome: "compacted", rows: 2500, version: 1 });
  expect(await readHead(database.sql, address)).toMatchObject({ head: 2500, state: 2500 });
  expect(await countRows(database.sql, address)).toBe(0);
  const moved = await readAllRows(database.sql, address);
  expect(moved.map(({ seq, update }) => [seq, Buffer.from(update).toString("hex")])).toEqual(
    before.map(({ seq, update }) => [seq, Buffer.from(update).toString("hex")]),
  );
  const { doc, stored } = await load(address);
  expect(stored).toMatchObject({ tailRows: 0, quarantine: null, stateBytes: result.afterBytes });
  expect(difference(doc, await replayRows(database.sql, address))).toBeNull();
});

test("[C1 C3] rows appended while it runs are neither held up nor removed", async () => {
  const updates = keystrokeRows(300);
  const address = await withRows(updates.slice(0, 100));
  let next = 100;
  // The head row's lock is taken by the snapshot statement: before it a writer passes at once.
  const unlocked = ["delete", "history", "snapshot"];
  const result = await compact(address, {
    atStatement: async (name) => {
      if (!unlocked.includes(name)) return;
      await appendRows(database.sql, address, updates.slice(next, next + 20));
      next += 20;
    },
  });
  expect(result).toMatchObject({ outcome: "compacted", rows: 100 });
  expect(await readHead(database.sql, address)).toMatchObject({ head: 160, state: 100 });
  expect(await countRows(database.sql, address)).toBe(60);
  const { doc } = await load(address);
  expect(difference(doc, await replayRows(database.sql, address))).toBeNull();
});

test("[C4] compacting again is harmless, and a dry run changes nothing", async () => {
  const address = await withRows(keystrokeRows(50));
  const dry = await compact(address, { dryRun: true });
  expect(dry).toMatchObject({ outcome: "dry_run", rows: 50 });
  expect(await countRows(database.sql, address)).toBe(50);
  const done = await compact(address);
  // What the dry run promises is what the real one does.
  expect(done).toEqual({ ...dry, outcome: "compacted", version: 1 });
  expect(await compact(address)).toMatchObject({
    outcome: "nothing_to_do",
    rows: 0,
    version: null,
  });
  expect((await readAllRows(database.sql, address)).length).toBe(50);
});

test("[C4] a discussion is compacted like a text, without a version", async () => {
  const { documentId } = await tenant.document();
  const address = { documentId, part: "comments" } as const;
  const doc = new Y.Doc();
  doc.getMap("threads").set("one", new Y.Map([["text", "hello"]]));
  await appendRows(database.sql, address, [Y.encodeStateAsUpdate(doc)]);
  expect(await compact(address)).toMatchObject({ outcome: "compacted", version: null });
  const { doc: loaded } = await load(address);
  expect(loaded.getMap("threads").toJSON()).toEqual({ one: { text: "hello" } });
});

describe("[C2] what cannot be proven is not done", () => {
  test("an update that waits for a missing one: quarantined, nothing changed", async () => {
    const rows = keystrokeRows(30);
    const [orphan] = typedUpdates(7, 2).slice(1);
    const address = await withRows([...rows.slice(0, 20), orphan ?? new Uint8Array()]);
    await expect(compact(address)).rejects.toMatchObject({ code: "document_quarantined" });
    expect(await readHead(database.sql, address)).toMatchObject({ head: 21, state: 0 });
    expect(await countRows(database.sql, address)).toBe(21);
  });

  test("a missing row: quarantined at its seq, nothing changed", async () => {
    const address = await withRows(keystrokeRows(30));
    await database.sql`delete from yjs_updates where document_id = ${address.documentId} and seq = 12`;
    await expect(compact(address)).rejects.toThrow(/past seq 12: a row of the log is missing/u);
    expect(await countRows(database.sql, address)).toBe(29);
  });

  test("a row that cannot be read: quarantined at its seq, nothing changed", async () => {
    const address = await withRows(keystrokeRows(30));
    await database.sql`
      update yjs_updates set update_data = '\\xffffff'::bytea
      where document_id = ${address.documentId} and seq = 20`;
    await expect(compact(address)).rejects.toThrow(/past seq 20/u);
    expect(await countRows(database.sql, address)).toBe(30);
    expect(await readHead(database.sql, address)).toMatchObject({ state: 0 });
  });

  test("the proof sees a different text, a missing deletion, a missing client, a waiting update", () => {
    const one = new Y.Doc();
    one.getText("diagram").insert(0, "graph");
    const copy = (): Y.Doc => {
      const doc = new Y.Doc();
      Y.applyUpdate(doc, Y.encodeStateAsUpdate(one));
      return doc;
    };
    expect(difference(one, copy())).toBeNull();
    const longer = copy();
    longer.getText("diagram").insert(0, "a");
    expect(difference(one, longer)).toBe("state vectors differ");
    const shorter = copy();
    shorter.getText("diagram").delete(0, 1);
    expect(difference(one, shorter)).toBe("delete sets differ");
    // The same client and clocks, other characters.
    const other = new Y.Doc();
    other.clientID = one.clientID;
    other.getText("diagram").insert(0, "grape");
    expect(difference(one, other)).toBe("document JSON differs");
    const waiting = copy();
    Y.applyUpdate(waiting, typedUpdates(7, 2)[1] ?? new Uint8Array());
    expect(difference(one, waiting)).toBe("an update waits for one that is missing");
  });
});

test.each(["v1", "v2", "v2+zstd"] as const)(
  "[L3 C2] a snapshot stored as %s loads, and its tail",
  async (encoding) => {
    const { zstdCompressSync } = await import("node:zlib");
    const address = await withRows(keystrokeRows(60));
    const whole = await replayRows(database.sql, address);
    const half = await replayRows(database.sql, address, 40);
    const v2 = Y.encodeStateAsUpdateV2(half);
    const state = { v1: Y.encodeStateAsUpdate(half), v2, "v2+zstd": zstdCompressSync(v2) }[
      encoding
    ];
    await database.sql.begin(async (tx) => {
      await tx`delete from yjs_updates where document_id = ${address.documentId} and seq <= 40`;
      await tx`
      update yjs_documents set state = ${state}, encoding = ${encoding}, state_seq = 40
      where document_id = ${address.documentId} and part = 'content'`;
    });
    const { doc, stored } = await load(address);
    expect(stored).toMatchObject({ stateSeq: 40, headSeq: 60, tailRows: 20, quarantine: null });
    expect(difference(doc, whole)).toBeNull();
    expect(await compact(address)).toMatchObject({ outcome: "compacted", rows: 20 });
    expect(difference((await load(address)).doc, whole)).toBeNull();
  },
);

test("[C1] merging leaves the event loop to those who write", async () => {
  const address = await withRows(keystrokeRows(40_000));
  const thread = new UpkeepThread({
    location: database.location,
    logger: pino({ level: "silent" }),
  });
  const { documentId, part } = address;
  const task = { documentId, part, versionIntervalMs: 0 };
  // The thread starts with its first task; what is measured is the merge.
  await thread.project((await tenant.document()).documentId);
  const before = performance.eventLoopUtilization();
  const result = await thread.compact(task);
  const { active, idle } = performance.eventLoopUtilization(before);
  await thread.close();
  expect(result).toMatchObject({ outcome: "compacted", rows: 40_000 });
  expect(active).toBeLessThan((active + idle) / 2);
});
