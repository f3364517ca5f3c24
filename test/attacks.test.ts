import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { EMPTY_UPDATE, SYNC, syncFrame } from "../bench/wire.ts";
import { createAnswerTurns } from "../extensions/answer-turns.ts";
import { checkUpdate } from "../extensions/update-check.ts";
import { useLimitedNodes } from "./support/limited-nodes.ts";
import { any, element, rawUpdate, type RawPlace, text } from "./support/raw-update.ts";
import { openWire } from "./support/wire-client.ts";

/** What got through when somebody attacked the running server by hand (docs/SECURITY.md, Attacked), kept as tests. */

const nodes = useLimitedNodes();

const ROOT: RawPlace = { root: "diagram" };

/** So many items of one client that all claim the same place. */
const crowd = (client: number, count: number, clock = 0): Uint8Array =>
  rawUpdate({ client, clock, structs: Array.from({ length: count }, () => text(ROOT, "a")) });

/** Somebody else's character in a copy of the document, at this place, which `doc` gets; answers the update. */
function typedBy(doc: Y.Doc, at: number, of = doc): Uint8Array {
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(of));
  const before = Y.encodeStateVector(copy);
  copy.getText("diagram").insert(at, "x");
  const update = Y.encodeStateAsUpdate(copy, before);
  Y.applyUpdate(doc, update);
  return update;
}

const LIMITS = { maxStructs: 5000, maxDepth: 10, maxValueDepth: 4 };

const faultOf = (update: Uint8Array, doc: Y.Doc): string | null =>
  checkUpdate(Y.decodeUpdate(update), doc, LIMITS).fault;

/** Of each client so many that alone they stay below what one update may cost. */
const CROWDS = [490, 490, 490, 330, 260, 230, 205];

describe("[L6] a crowded place", () => {
  test("takes no update for which Yjs would look through more than half a million items", () => {
    const doc = new Y.Doc();
    doc.getText("diagram");
    Y.applyUpdate(doc, crowd(1, 2000));
    expect(faultOf(crowd(2, 249), doc)).toBeNull();
    expect(faultOf(crowd(2, 260), doc)).toBe("cost");
  });

  test("is none between two characters of one item, whatever stands behind it", () => {
    const doc = new Y.Doc();
    doc.getText("diagram").insert(0, "abcdef");
    for (let other = 0; other < 50; other += 1) typedBy(doc, 6 + other);
    const update = typedBy(new Y.Doc(), 3, doc);
    expect(checkUpdate(Y.decodeUpdate(update), doc, LIMITS).looked).toBe(0);
  });

  test("takes what was typed there in a row, however long: only its beginning is looked for", () => {
    const doc = new Y.Doc();
    doc.getText("diagram");
    Y.applyUpdate(doc, crowd(1, 2000));
    const typed = Array.from({ length: 2000 }, (_, clock) =>
      text(clock === 0 ? ROOT : { origin: [2, clock - 1] }, "a"),
    );
    expect(faultOf(rawUpdate({ client: 2, structs: typed }), doc)).toBeNull();
  });

  test("may be an attribute: every value that it ever had counts", () => {
    const doc = new Y.Doc();
    doc.getXmlFragment("default");
    const values = (client: number, clock: number, count: number): Uint8Array =>
      rawUpdate({
        client,
        clock,
        structs: Array.from({ length: count }, (_, index) =>
          any({ parent: [1, 0], key: "level" }, index),
        ),
      });
    Y.applyUpdate(
      doc,
      rawUpdate({ client: 1, structs: [element({ root: "default" }, "heading")] }),
    );
    for (let client = 2; client < 6; client += 1) Y.applyUpdate(doc, values(client, 0, 400));
    expect(faultOf(values(9, 0, 10), doc)).toBeNull();
    expect(faultOf(values(9, 0, 4000), doc)).toBe("cost");
  });

  test("is closed to an author who goes on filling it, on however many sockets", async () => {
    const node = await nodes.start();
    const { name } = await nodes.tenant.document();
    const sockets = await Promise.all(
      CROWDS.map(() => openWire({ url: node.url, name, token: nodes.tenant.token })),
    );
    for (const [client, socket] of sockets.entries()) {
      socket.send("update", crowd(client, CROWDS[client] ?? 0));
      await socket.answered();
    }
    const codes = new Set(sockets.map(({ closed }) => closed?.code));
    expect(codes).toEqual(new Set([undefined, 4429]));
    for (const socket of sockets) await socket.close();
  });
});

describe("[L6] what costs too much", () => {
  test("is counted though it was refused, and the next is refused before it costs anything", async () => {
    const node = await nodes.start();
    const { name } = await nodes.tenant.document();
    const codes: unknown[] = [];
    for (const update of [
      crowd(1, 490),
      crowd(2, 490),
      crowd(3, 490),
      crowd(4, 490),
      crowd(5, 1),
    ]) {
      const socket = await openWire({ url: node.url, name, token: nodes.tenant.token });
      socket.send("update", update);
      await socket.answered();
      codes.push(socket.closed?.code);
      await socket.close();
    }
    expect(codes).toEqual([undefined, undefined, undefined, 4400, 4429]);
  });
});

describe("[T32] sessions that nobody has opened", () => {
  test("ask for the document as often as one may, all together", async () => {
    const node = await nodes.start();
    const { name } = await nodes.tenant.document();
    const socket = await nodes.open(node, name);
    for (let session = 0; session < 50; session += 1) {
      socket.send(syncFrame(`${name}\0${session}`, SYNC.step1, Uint8Array.of(0)));
    }
    expect(await socket.untilClosed()).toEqual({ code: 4429, reason: "too_many_requests" });
    expect(await nodes.reached(node, "asking_per_second")).toBe(1);
  });

  test("are remembered, a thousand of them", async () => {
    const node = await nodes.start();
    const { name } = await nodes.tenant.document();
    const socket = await nodes.open(node, name);
    for (let session = 0; session <= 1000; session += 1) {
      socket.send(syncFrame(`${name}\0${session}`, SYNC.step2, EMPTY_UPDATE));
    }
    expect((await socket.untilClosed()).code).toBe(4429);
  });
});

describe("answers to SyncStep1", () => {
  test("are given one in a turn of the event loop, to authors in turn", async () => {
    const turn = createAnswerTurns();
    const order: string[] = [];
    const ask = (who: string): Promise<void> => turn(who).then(() => void order.push(who));
    const asked = [ask("many"), ask("many"), ask("many"), ask("one")];
    await Promise.resolve();
    setImmediate(() => order.push("others"));
    await Promise.all(asked);
    expect(order.indexOf("others")).toBeLessThan(order.lastIndexOf("many"));
    expect(order.indexOf("one")).toBeLessThan(order.lastIndexOf("many"));
  });

  test("wait in a line that has an end", async () => {
    const turn = createAnswerTurns();
    const asked = Array.from({ length: 2002 }, () => turn("somebody"));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(1);
  });
});
