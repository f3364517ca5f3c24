import { afterEach, describe, expect, test, vi } from "vitest";
import * as Y from "yjs";
import type { UpdateFault } from "../extensions/update-check.ts";
import { UpdateCheckThread } from "../extensions/update-check-thread.ts";
import { refusalsOf } from "./support/hostile-update.ts";
import { countRows, replayRows } from "./support/log-rows.ts";
import { any, element, gc, rawUpdate, type RawStruct, skip, text } from "./support/raw-update.ts";
import { signedIn } from "./support/roles.ts";
import { openWire, type WireClient } from "./support/wire-client.ts";
import { useWorld } from "./support/world.ts";

/** Each limit is another number, so that one in the place of another shows. */
const world = await useWorld({
  MAX_UPDATE_BYTES: "2000",
  MAX_FIRST_SYNC_BYTES: "4000",
  MAX_UPDATE_STRUCTS: "20",
  MAX_FIRST_SYNC_STRUCTS: "60",
  MAX_NESTING: "7",
  MAX_VALUE_NESTING: "3",
  CHECK_APART_BYTES: "1000",
  CHECK_APART_STRUCTS: "10",
});

type Kind = "update" | "step2";

async function open(name: string, token = world.tenant.token): Promise<WireClient> {
  const client = await openWire({ url: world.node.url, name, token });
  world.clients.push(client);
  await client.answered();
  return client;
}

const textOf = (doc: Y.Doc): string => doc.getText("diagram").toJSON();

async function expectOrdinaryEdits(client: WireClient): Promise<void> {
  client.document.getText("diagram").insert(0, "ordinary");
  await client.answered();
  expect([client.closed, client.refused]).toEqual([null, 0]);
}

const repeated = (count: number, struct: (index: number) => RawStruct): Uint8Array =>
  rawUpdate({ client: 1, structs: Array.from({ length: count }, (_, index) => struct(index)) });

/** So many parts. */
const parts = (count: number): Uint8Array => repeated(count, () => text({ root: "diagram" }, "a"));

const letters = (count: number): Uint8Array =>
  rawUpdate({ client: 1, structs: [text({ root: "diagram" }, "a".repeat(count))] });

/** So many bytes. What stands around a long text is as long for each. */
const AROUND_BYTES = letters(1000).length - 1000;
const bytes = (count: number): Uint8Array => letters(count - AROUND_BYTES);

/** So many elements, each in the one before. */
const elements = (depth: number): Uint8Array =>
  repeated(depth, (index) =>
    element(index === 0 ? { root: "default" } : { parent: [1, index - 1] }, "blockquote"),
  );

/** An attribute of lists in lists. */
function lists(depth: number): Uint8Array {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  const attribute = any({ parent: [1, 0], key: "class" }, value);
  return rawUpdate({ client: 1, structs: [element({ root: "default" }, "paragraph"), attribute] });
}

describe("[T37] what is allowed is taken, as an edit and as a first sync", () => {
  test.each<[string, Kind, Uint8Array]>([
    ["20 parts", "update", parts(20)],
    ["60 parts", "step2", parts(60)],
    ["2,000 bytes", "update", bytes(2000)],
    ["4,000 bytes", "step2", bytes(4000)],
    ["7 elements in one another", "update", elements(7)],
    ["7 elements in one another", "step2", elements(7)],
    ["3 lists in one another", "update", lists(3)],
    ["3 lists in one another", "step2", lists(3)],
  ])("%s (%s)", async (_what, kind, update) => {
    const { documentId, name } = await world.tenant.document();
    const client = await open(name);
    client.send(kind, update);
    await client.answered();
    expect([client.closed, client.refused]).toEqual([null, 0]);
    expect(await countRows(world.database.sql, { documentId, part: "content" })).toBe(1);
    await expectOrdinaryEdits(client);
  });
});

describe("[T37] what is more than allowed costs the socket, and is counted by its reason", () => {
  test.each<[string, Kind, UpdateFault, Uint8Array]>([
    ["21 parts", "update", "structs", parts(21)],
    ["61 parts", "step2", "structs", parts(61)],
    ["2,001 bytes", "update", "size", bytes(2001)],
    ["4,001 bytes", "step2", "size", bytes(4001)],
    ["8 elements in one another", "update", "depth", elements(8)],
    ["8 elements in one another", "step2", "depth", elements(8)],
    ["4 lists in one another", "update", "depth", lists(4)],
    ["4 lists in one another", "step2", "depth", lists(4)],
  ])("%s (%s): %s", async (_what, kind, reason, update) => {
    const { documentId, name } = await world.tenant.document();
    const [offender, other] = [await open(name), await open(name)];
    const before = await refusalsOf(world, reason);
    offender.send(kind, update);
    expect(await offender.untilClosed()).toEqual(
      reason === "size"
        ? { code: 4413, reason: "too_large" }
        : { code: 4400, reason: "bad_update" },
    );
    expect(await refusalsOf(world, reason)).toBe(before + 1);
    expect(await countRows(world.database.sql, { documentId, part: "content" })).toBe(0);
    await expectOrdinaryEdits(other);
  });
});

describe("what is large is tried in a thread first, what is not is not", () => {
  afterEach(() => vi.restoreAllMocks());

  test.each<[string, Uint8Array, number]>([
    ["10 parts", parts(10), 0],
    ["11 parts", parts(11), 1],
    ["1,000 bytes", bytes(1000), 0],
    ["1,001 bytes", bytes(1001), 1],
  ])("%s", async (_what, update, times) => {
    const tried = vi.spyOn(UpdateCheckThread.prototype, "check");
    const { name } = await world.tenant.document();
    for (const kind of ["update", "step2"] as const) {
      const client = await open(name);
      tried.mockClear();
      client.send(kind, update);
      await client.answered();
      expect([client.closed, client.refused]).toEqual([null, 0]);
      expect(tried).toHaveBeenCalledTimes(times);
    }
  });
});

/** Every other letter is deleted, each by an edit of its own. */
async function openWithGaps(name: string): Promise<WireClient> {
  const client = await open(name);
  const words = client.document.getText("diagram");
  words.insert(0, "abcdefghijklmnopqrstuvwxyz".repeat(2));
  for (let at = 1; at < 20; at += 1) words.delete(at, 1);
  await client.answered();
  return client;
}

test("what is deleted already makes nothing large: whoever comes back brings all that was ever deleted", async () => {
  const { name } = await world.tenant.document();
  const { document } = await openWithGaps(name);
  const tried = vi.spyOn(UpdateCheckThread.prototype, "check");
  const again = await open(name);
  const everything = Y.encodeStateAsUpdate(document, Y.encodeStateVector(again.document));
  const deleted = [...Y.decodeUpdate(everything).ds.clients.values()].flat();
  expect(deleted.length).toBeGreaterThan(10);
  again.send("step2", everything);
  await again.answered();
  expect([again.closed, again.refused]).toEqual([null, 0]);
  expect(tried).not.toHaveBeenCalled();
  tried.mockRestore();
});

describe("[L6 T37] a Skip of the client id of somebody who is here, by another", () => {
  /** The victim has written four letters. */
  async function meet() {
    const { documentId, name } = await world.tenant.document();
    const address = { documentId, part: "content" } as const;
    const victim = await open(name);
    victim.document.getText("diagram").insert(0, "one ");
    await victim.answered();
    const { token } = await signedIn(world.database.sql, world.tenant, { member: "admin" });
    const attacker = await open(name, token);
    const expectKept = async (): Promise<void> => {
      victim.document.getText("diagram").insert(4, "two");
      await victim.answered();
      expect([victim.closed, victim.refused]).toEqual([null, 0]);
      const stored = await replayRows(world.database.sql, address);
      expect([textOf(stored), textOf((await open(name)).document)]).toEqual(["one two", "one two"]);
    };
    return { client: victim.document.clientID, attacker, address, expectKept };
  }

  test("over what he wrote, with something under his next clocks: refused", async () => {
    const { client, attacker, expectKept } = await meet();
    const before = await refusalsOf(world, "foreign_client");
    attacker.send("update", rawUpdate({ client, structs: [skip(4), gc(3)] }));
    expect(await attacker.untilClosed()).toEqual({ code: 4400, reason: "bad_update" });
    expect(await refusalsOf(world, "foreign_client")).toBe(before + 1);
    await expectKept();
  });

  test("over his next clocks, with something behind them: it never comes in", async () => {
    const { client, attacker, expectKept } = await meet();
    const before = await refusalsOf(world, "dependency");
    attacker.send("update", rawUpdate({ client, clock: 4, structs: [skip(3), gc(3)] }));
    // He is asked for what he skipped, and answers that he has nothing.
    expect(await attacker.untilClosed()).toEqual({ code: 4400, reason: "bad_update" });
    expect(await refusalsOf(world, "dependency")).toBe(before + 1);
    await expectKept();
  });

  test.each<Kind>(["update", "step2"])(
    "over his next clocks and nothing else (%s): his next words are kept",
    async (kind) => {
      const { client, attacker, address, expectKept } = await meet();
      attacker.send(kind, rawUpdate({ client, clock: 4, structs: [skip(3)] }));
      await attacker.answered();
      expect([attacker.closed, await countRows(world.database.sql, address)]).toEqual([null, 1]);
      await expectKept();
    },
  );
});
