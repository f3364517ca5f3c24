import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { difference } from "../persistence/proof.ts";
import { appendRows, countRows, readAllRows, replayRows } from "./support/log-rows.ts";
import { nightly } from "./support/size.ts";
import { until } from "./support/until.ts";
import { openWire, type WireClient, type WireClientOptions } from "./support/wire-client.ts";
import { useWorld } from "./support/world.ts";

const world = await useWorld();

async function open(name: string, answer?: WireClientOptions["answer"]): Promise<WireClient> {
  const options = { url: world.node.url, name, token: world.tenant.token };
  const client = await openWire(answer === undefined ? options : { ...options, answer });
  world.clients.push(client);
  await client.answered();
  return client;
}

async function newDocument() {
  const { documentId, name } = await world.tenant.document();
  return { name, address: { documentId, part: "content" } as const };
}

const textOf = (doc: Y.Doc): string => doc.getText("diagram").toJSON();

/** What a client would send after each of its edits. */
function recorded(edit: (text: Y.Text) => void): Uint8Array[] {
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  edit(doc.getText("diagram"));
  return updates;
}

const [first = new Uint8Array(), second = new Uint8Array(), third = new Uint8Array()] = recorded(
  (text) => {
    text.insert(0, "one ");
    text.insert(4, "two ");
    text.insert(8, "three");
  },
);

const nothing: WireClientOptions["answer"] = () => null;

/** The structs can be read and are applied; then the list of deletions is missing, and Yjs throws. */
const halfApplied = (): Uint8Array => {
  const [update = new Uint8Array()] = recorded((text) => text.insert(0, "never acknowledged"));
  return update.subarray(0, update.length - 1);
};

describe("[L6] an update that cannot be read", () => {
  test.each([
    ["because its end is missing", halfApplied()],
    ["from the start", Uint8Array.of(255, 255, 255)],
    ["because it is empty", new Uint8Array()],
  ])("%s: its sender alone is cut off with 4400, nothing of it stays", async (_how, bad) => {
    const { name, address } = await newDocument();
    const neighbour = await open((await newDocument()).name);
    const [offender, other] = [await open(name), await open(name)];
    other.document.getText("diagram").insert(0, "kept");
    await other.answered();
    const { accepted } = offender;
    offender.send("update", bad);
    expect(await offender.untilClosed()).toEqual({ code: 4400, reason: "bad_update" });
    other.document.getText("diagram").insert(0, "still ");
    await other.answered();
    expect(other.closed).toBeNull();
    expect(offender.accepted).toBe(accepted);
    const again = await open(name);
    expect(textOf(again.document)).toBe("still kept");
    expect(difference(again.document, await replayRows(world.database.sql, address))).toBeNull();
    neighbour.document.getText("diagram").insert(0, "unharmed");
    await neighbour.answered();
    expect([neighbour.closed, neighbour.refused]).toEqual([null, 0]);
  });
});

test("[L6] an update that throws half-way in costs everybody his socket and nobody his edits", async () => {
  const { name, address } = await newDocument();
  const [offender, other] = [await open(name), await open(name)];
  other.document.getText("diagram").insert(0, "kept");
  await other.answered();
  const { accepted } = offender;
  // Yjs has integrated the structs when it calls this: the copy in memory holds what the log never will.
  world.node.collaboration.documents.live(name)?.document.once("beforeObserverCalls", () => {
    throw new Error("thrown while integrating");
  });
  offender.document.getText("diagram").insert(0, "half ");
  expect(await offender.untilClosed()).toEqual({ code: 4400, reason: "bad_update" });
  expect(await other.untilClosed()).toEqual({ code: 1012, reason: "restarting" });
  expect(offender.accepted).toBe(accepted);
  const again = await open(name);
  expect(textOf(again.document)).toBe("kept");
  expect(difference(again.document, await replayRows(world.database.sql, address))).toBeNull();
  again.document.getText("diagram").insert(4, " and going on");
  await again.answered();
  expect(textOf(await replayRows(world.database.sql, address))).toBe("kept and going on");
});

test("[L3] what loading brought is sent to the first opener once, in the answer to his SyncStep1", async () => {
  const { name, address } = await newDocument();
  await appendRows(world.database.sql, address, [first, second, third]);
  const client = await open(name);
  expect(textOf(client.document)).toBe("one two three");
  expect(client.updates).toBe(0);
});

describe("[L6 T38] an update whose dependency is missing", () => {
  test("is asked for once, and acknowledged when the rest has come", async () => {
    const { name, address } = await newDocument();
    const client = await open(name, nothing);
    // Its handshake is left unanswered by this client.
    const before = { accepted: client.accepted, asked: client.asked };
    client.send("update", second);
    await until(() => client.asked === before.asked + 1);
    client.send("update", third);
    expect(await countRows(world.database.sql, address)).toBe(0);
    expect(client.accepted).toBe(before.accepted);
    client.send("step2", Y.mergeUpdates([first, second, third]));
    await client.answered();
    expect(client.accepted).toBe(before.accepted + 3);
    expect(client.asked).toBe(before.asked + 1);
    expect(textOf(await replayRows(world.database.sql, address))).toBe("one two three");
  });

  test("is refused with 4400 when the answer does not bring it, and leaves nothing behind", async () => {
    const { name, address } = await newDocument();
    const client = await open(name, nothing);
    client.send("update", second);
    await until(() => client.asked === 2);
    client.send("step2", Y.mergeUpdates([second, third]));
    expect(await client.untilClosed()).toEqual({ code: 4400, reason: "bad_update" });
    expect(client.accepted).toBe(0);
    expect(await countRows(world.database.sql, address)).toBe(0);
    const again = await open(name);
    expect(again.document.store.pendingStructs).toBeNull();
  });

  test.runIf(nightly)(
    "is refused with 4400 when no answer comes within half a minute",
    { timeout: 60_000 },
    async () => {
      const { name, address } = await newDocument();
      const client = await open(name, nothing);
      const startedMs = performance.now();
      client.send("update", second);
      await until(() => client.closed !== null, { timeoutMs: 45_000 });
      expect(client.closed).toEqual({ code: 4400, reason: "bad_update" });
      expect(performance.now() - startedMs).toBeGreaterThan(29_000);
      expect(client.accepted).toBe(0);
      expect(await countRows(world.database.sql, address)).toBe(0);
    },
  );

  test("does not hold up, infect or cut off anybody else", async () => {
    const { name, address } = await newDocument();
    const broken = await open(name, nothing);
    const before = await open(name);
    broken.send("update", second);
    await until(() => broken.asked === 2);
    // One was there, one comes now.
    const after = await open(name);
    for (const client of [before, after]) {
      client.document.getText("diagram").insert(0, "x");
      await client.answered();
      expect([client.closed, client.refused]).toEqual([null, 0]);
    }
    await broken.close();
    await until(() => before.updates + after.updates >= 2);
    // Back after a lost connection, they offer all they have: were the orphan handed to them, they would now bring it.
    for (const { document } of [before, after]) {
      expect(document.store.pendingStructs).toBeNull();
      const back = await open(name, (_document, vector) => Y.encodeStateAsUpdate(document, vector));
      expect([back.closed, back.refused, back.asked]).toEqual([null, 0, 1]);
    }
    expect(textOf(await replayRows(world.database.sql, address))).toBe("xx");
  });

  test("a deletion of what nobody has seen is treated the same", async () => {
    const { name, address } = await newDocument();
    const [insert = new Uint8Array(), removal = new Uint8Array()] = recorded((text) => {
      text.insert(0, "gone");
      text.delete(0, 4);
    });
    const client = await open(name, nothing);
    client.send("update", removal);
    await until(() => client.asked === 2);
    expect(client.accepted).toBe(0);
    client.send("step2", Y.mergeUpdates([insert, removal]));
    await client.answered();
    expect(client.accepted).toBe(2);
    const replayed = await replayRows(world.database.sql, address);
    expect([textOf(replayed), replayed.store.pendingDs]).toEqual(["", null]);
  });
});

test("[L5] what was sent twice is acknowledged twice and stands there once", async () => {
  const { name, address } = await newDocument();
  const client = await open(name);
  const { accepted } = client;
  for (const update of [first, first, second, second]) client.send("update", update);
  await client.answered();
  expect(client.accepted).toBe(accepted + 4);
  expect(textOf(await replayRows(world.database.sql, address))).toBe("one two ");
  const rows = await readAllRows(world.database.sql, address);
  expect(
    rows.reduce((sum, { update }) => sum + Y.decodeUpdate(update).structs.length, 0),
  ).toBeLessThan(3);
});

describe("[T35] a frame that is none", () => {
  const goodAddress = `document:${"0".repeat(8)}-0000-4000-8000-${"0".repeat(12)}`;
  test.each<[string, string | Uint8Array]>([
    ["text", "hello"],
    ["empty", new Uint8Array()],
    ["an address of 200 bytes", Buffer.concat([Uint8Array.of(200, 1), Buffer.alloc(210, 97)])],
    ["an address that is longer than the frame", Uint8Array.of(40, 97, 97)],
    [
      "an address without a type",
      Buffer.concat([Uint8Array.of(goodAddress.length), Buffer.from(goodAddress)]),
    ],
  ])("%s: closed with 4400", async (_what, frame) => {
    const { name } = await newDocument();
    const client = await open(name);
    client.socket.send(frame);
    expect(await client.untilClosed()).toEqual({ code: 4400, reason: "bad_frame" });
  });

  test("a length that reaches beyond the frame: closed with 4400, and nothing behind it is read", async () => {
    const { name, address } = await newDocument();
    const client = await open(name);
    const [update = new Uint8Array()] = recorded((text) => text.insert(0, "a".repeat(64)));
    // Sync, update, a length of 127 bytes; the frame ends after twenty. Small frames of ws share their memory.
    const head = Buffer.concat([
      Uint8Array.of(name.length),
      Buffer.from(name),
      Uint8Array.of(0, 2, 127),
    ]);
    client.socket.send(Buffer.concat([head, update.subarray(0, 20)]));
    expect(await client.untilClosed()).toEqual({ code: 4400, reason: "bad_frame" });
    expect(await countRows(world.database.sql, address)).toBe(0);
  });
});
