import * as encoding from "lib0/encoding";
import { afterAll, expect, test } from "vitest";
import * as Y from "yjs";
import { checkUpdate } from "../extensions/update-check.ts";
import { UpdateCheckThread } from "../extensions/update-check-thread.ts";
import { createLogger } from "../server/logger.ts";
import { useLimitedNodes } from "./support/limited-nodes.ts";
import { element, format, rawUpdate, type RawStruct, text, xmlText } from "./support/raw-update.ts";
import { openWire } from "./support/wire-client.ts";

/** What updates cost beyond their size: to judge them, and to tidy up after them. */

const LIMITS = { maxStructs: 50_000, maxDepth: 10, maxValueDepth: 4 };

const nodes = useLimitedNodes();

const checked = (update: Uint8Array, doc: Y.Doc) =>
  checkUpdate(Y.decodeUpdate(update), doc, LIMITS);

test("[L6] a right neighbour that Yjs never meets does not hide what it looks through", () => {
  const crowd = Array.from({ length: 600 }, (_, at) => ({
    client: 100 + at,
    structs: [text({ origin: [13, 0] }, "x")],
  }));
  const list = rawUpdate(
    { client: 11, structs: [text({ root: "diagram" }, "a")] },
    { client: 12, structs: [text({ origin: [11, 0] }, "b")] },
    { client: 13, structs: [text({ origin: [12, 0] }, "c")] },
    ...crowd,
  );
  const doc = new Y.Doc();
  Y.applyUpdate(doc, list);
  const stray = text({ origin: [13, 0], rightOrigin: [12, 0] }, "d");
  const before = text({ origin: [11, 0], rightOrigin: [9, 0] }, "e");
  const behind = text({ origin: [11, 0], rightOrigin: [13, 0] }, "d");
  const between = text({ origin: [12, 0], rightOrigin: [9, 0] }, "e");
  const looked = (...structs: RawStruct[]): number => {
    const { fault, looked: items } = checked(rawUpdate({ client: 9, structs }), doc);
    expect(fault).toBeNull();
    return items;
  };
  expect(looked(stray)).toBe(600);
  // What is new stands before its left neighbour, too: where that is not known, the way is to the end.
  expect(looked(stray, before)).toBeGreaterThanOrEqual(1200);
  expect(looked(behind)).toBeLessThan(10);
  expect(looked(behind, between)).toBeGreaterThanOrEqual(600);
});

test("[L6] what is looked through for one update has a limit, and is told when it was too much", () => {
  const doc = new Y.Doc();
  const words = doc.getText("diagram");
  // Each hangs on the one before, and none merges with it.
  for (let at = 0; at < 2000; at += 1) words.insertEmbed(at, { at });
  const { client } = words._start?.id ?? { client: 0 };
  const far = text({ rightOrigin: [client, 1999] }, "x");
  const few = checked(rawUpdate({ client: 0, structs: [far] }), doc);
  expect([few.fault, few.looked > 2000]).toEqual([null, true]);
  const many = rawUpdate({ client: 0, structs: Array.from({ length: 400 }, () => far) });
  const { fault, looked } = checked(many, doc);
  expect([fault, looked > 500_000]).toEqual(["cost", true]);
});

test("[L6] whoever types before something older of his own is not looked back at", () => {
  const doc = new Y.Doc();
  const words = doc.getText("diagram");
  words.insert(0, "END");
  words.insert(0, "ab".repeat(1000));
  doc.transact(() => {
    for (let at = 1; at < 1000; at += 1) words.delete(at, 1);
  });
  const server = new Y.Doc();
  Y.applyUpdate(server, Y.encodeStateAsUpdate(doc));
  words.insert(words.length - 3, "x");
  const update = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(server));
  expect(checked(update, server)).toMatchObject({ fault: null, looked: 0 });
});

/** A paragraph whose text is in so many pieces that never merge, with one format in front. */
const inPieces = (count: number): Uint8Array =>
  rawUpdate({
    client: 1,
    structs: [
      element({ root: "default" }, "paragraph"),
      xmlText({ parent: [1, 0] }),
      text({ parent: [1, 1] }, "z"),
      ...Array.from({ length: count }, (_, at) => text({ rightOrigin: [1, 2 + at] }, "b")),
      format({ rightOrigin: [1, 2 + count] }, "bold", "{}"),
    ],
  });

const deletion = (clock: number, length: number): Uint8Array =>
  Uint8Array.from([0, 1, 1, 1, ...varUint(clock), ...varUint(length)]);

function varUint(value: number): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, value);
  return encoding.toUint8Array(encoder);
}

test("[T37] what is much work to tidy up is large, however few its bytes", () => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, inPieces(2000));
  const isLarge = (update: Uint8Array): boolean => {
    const { fault, isLarge: large } = checked(update, doc);
    expect(fault).toBeNull();
    return large;
  };
  // 2,000 pieces, and for each the 2,000 around it.
  expect(isLarge(deletion(3, 2000))).toBe(true);
  expect(isLarge(deletion(3, 20))).toBe(false);
  // 300 formats that are open at 2,000 pieces.
  const formats = (count: number): Uint8Array =>
    rawUpdate({
      client: 9,
      structs: Array.from({ length: count }, (_, at) =>
        format({ origin: at === 0 ? [1, 2003] : [9, at - 1] }, `mark${at}`, "{}"),
      ),
    });
  expect(isLarge(formats(300))).toBe(true);
  expect(isLarge(formats(3))).toBe(false);
  Y.applyUpdate(doc, formats(300));
  // Each cut moves all that the client wrote later; what is deleted already is not cut.
  const ranges = (count: number): Uint8Array =>
    Uint8Array.from([
      0,
      1,
      1,
      ...varUint(count),
      ...Array.from({ length: count }, (_, at) => [...varUint(3 + 2 * at), 1]).flat(),
    ]);
  expect([isLarge(ranges(900)), isLarge(ranges(100))]).toEqual([true, false]);
  const shorn = new Y.Doc();
  Y.applyUpdate(shorn, Y.encodeStateAsUpdate(doc));
  Y.applyUpdate(shorn, ranges(900));
  expect(checked(ranges(900), shorn)).toMatchObject({ fault: null, isLarge: false });
  // What is open already counts for whoever comes next.
  expect(
    isLarge(rawUpdate({ client: 8, structs: [format({ origin: [1, 2] }, "bold", "{}")] })),
  ).toBe(true);
});

test("[T37] seven bytes that would keep the server busy for seconds cost their sender the socket", async () => {
  const node = await nodes.start();
  const { name } = await nodes.tenant.document();
  const open = () => openWire({ url: node.url, name, token: nodes.tenant.token });
  const socket = await open();
  socket.send("update", inPieces(30_000));
  await socket.answered();
  expect(socket.closed).toBeNull();
  socket.send("update", deletion(3, 30_000));
  expect(await socket.untilClosed()).toEqual({ code: 4400, reason: "bad_update" });
  const again = await open();
  await again.synced();
  const page = again.document.getXmlFragment("default").toJSON();
  expect(page).toBe(`<paragraph><bold>${"b".repeat(30_000)}z</bold></paragraph>`);
  await again.close();
});

const thread = new UpdateCheckThread({
  cpuMs: 5000,
  logger: createLogger({ LOG_LEVEL: "silent" }),
});
afterAll(() => thread.close());

test("[T37] in the thread authors take turns, and nobody fills the line for all", async () => {
  const update = rawUpdate({ client: 1, structs: [text({ root: "diagram" }, "a")] });
  const order: string[] = [];
  const tried = (who: string): Promise<unknown> =>
    thread
      .check(update, { state: () => new Uint8Array([0, 0]), limits: LIMITS, who })
      .then(() => order.push(who));
  const greedy = Array.from({ length: 30 }, () => tried("greedy").catch(() => "refused"));
  const other = tried("other");
  const outcomes = await Promise.all(greedy);
  await other;
  expect(outcomes.filter((each) => each === "refused")).toHaveLength(9);
  // One of his was at work, and one was next.
  expect(order.indexOf("other")).toBeLessThanOrEqual(2);
});
