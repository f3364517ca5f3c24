import { expect, test } from "vitest";
import * as Y from "yjs";
import { checkUpdate, type DecodedUpdate } from "../extensions/update-check.ts";
import { areInOrder, claimsOf } from "../extensions/update-order.ts";
import { difference } from "../persistence/proof.ts";
import { honestUpdate, type Random, upTo } from "./fuzz/honest-edits.ts";
import { mutated } from "./fuzz/mutations.ts";
import { structSoup } from "./fuzz/struct-soup.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";

const LIMITS = { maxStructs: 2000, maxDepth: 50, maxValueDepth: 20 };
const UPDATES = sized(8000, 1_000_000);
const PER_DOCUMENT = 200;

const random = createRandom();

/** As the gate does: what is not proven is tried on a copy. */
function passes(decoded: DecodedUpdate, update: Uint8Array, doc: Y.Doc): boolean {
  const { fault, isIncomplete, isUnproven } = checkUpdate(decoded, doc, LIMITS);
  if (fault !== null || isIncomplete) return false;
  if (!isUnproven) return true;
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
  const claims = claimsOf(decoded.structs, copy);
  Y.applyUpdate(copy, update);
  return areInOrder(claims, copy);
}

function decode(update: Uint8Array): DecodedUpdate | null {
  try {
    return Y.decodeUpdate(update);
  } catch {
    return null;
  }
}

function* hostileUpdates(doc: Y.Doc): Generator<Uint8Array> {
  const clients = Array.from({ length: 5 }, () => upTo(random, 2 ** 32));
  const [first = 0, ...others] = clients;
  let state: Uint8Array = new Uint8Array();
  let [own, other] = [state, state];
  for (let count = 0; count < PER_DOCUMENT; count += 1) {
    if (count % 5 === 0) {
      Y.applyUpdate(doc, honestUpdate(Y.encodeStateAsUpdate(doc), first, random));
      state = Y.encodeStateAsUpdate(doc);
      own = honestUpdate(state, others[upTo(random, others.length)] ?? 0, random);
      other = honestUpdate(state, first, random);
    }
    yield random() < 0.25 ? structSoup(state, clients, random) : mutated(own, other, random);
  }
}

test(
  "[L6 T34] whatever passes reads the same for whoever was there and for whoever comes later",
  { timeout: sized(60_000, 3_600_000) },
  () => {
    let [sent, accepted] = [0, 0];
    while (sent < UPDATES) {
      const [doc, shadow] = [new Y.Doc(), new Y.Doc()];
      doc.on("update", (update: Uint8Array) => Y.applyUpdate(shadow, update));
      for (const update of hostileUpdates(doc)) {
        sent += 1;
        const decoded = decode(update);
        if (decoded === null || !passes(decoded, update, doc)) continue;
        accepted += 1;
        const before = Y.encodeStateAsUpdate(doc);
        const claims = claimsOf(decoded.structs, doc);
        Y.applyUpdate(doc, update);
        const found = difference(doc, shadow) ?? (areInOrder(claims, doc) ? null : "out of order");
        const [state, bytes] = [before, update].map((each) => Buffer.from(each).toString("hex"));
        expect({ found, state, update: bytes }).toMatchObject({ found: null });
      }
    }
    expect(accepted).toBeGreaterThan(UPDATES / 100);
  },
);

/** Types, formats and deletes as editors do, and takes back: what comes again names neighbours that are no longer side by side. */
function edit(doc: Y.Doc, undo: Y.UndoManager, rand: Random): void {
  const text = doc.getText("diagram");
  const at = upTo(rand, text.length + 1);
  const choice = rand();
  if (choice < 0.5) text.insert(at, ["a", "bc", "def "][upTo(rand, 3)] ?? "");
  else if (choice < 0.7) text.delete(at, Math.min(2, text.length - at));
  else if (choice < 0.85) text.insertEmbed(at, { a: 1 });
  else if (choice < 0.93) undo.undo();
  else undo.redo();
}

test("[L6] honest edits are in order: those of one editor are proven at once, those of several on a copy", () => {
  const loose = { ...LIMITS, maxStructs: 100_000 };
  let unproven = 0;
  for (let round = 0; round < sized(40, 1000); round += 1) {
    const server = new Y.Doc();
    const docs = Array.from({ length: 1 + (round % 4) }, () => new Y.Doc());
    const undos = docs.map(
      (doc) => new Y.UndoManager(doc.getText("diagram"), { captureTimeout: 0 }),
    );
    for (let step = 0; step < 120; step += 1) {
      const by = upTo(random, docs.length);
      const doc = docs[by] as Y.Doc;
      if (random() < 0.8) {
        edit(doc, undos[by] as Y.UndoManager, random);
        continue;
      }
      // From one to the other, and the server hears of it later: what it gets may be of several who saw each other late.
      const peer = docs[upTo(random, docs.length)] as Y.Doc;
      Y.applyUpdate(peer, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(peer)));
      if (random() < 0.5) continue;
      const update = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(server));
      const decoded = Y.decodeUpdate(update);
      const checked = checkUpdate(decoded, server, loose);
      expect([checked.fault, checked.isIncomplete]).toEqual([null, false]);
      if (docs.length === 1) expect(checked.isUnproven).toBe(false);
      if (checked.isUnproven) unproven += 1;
      const claims = claimsOf(decoded.structs, server);
      Y.applyUpdate(server, update);
      expect(areInOrder(claims, server)).toBe(true);
      Y.applyUpdate(doc, Y.encodeStateAsUpdate(server, Y.encodeStateVector(doc)));
    }
  }
  // If it never happened, the way over the copy would not be shown.
  expect(unproven).toBeGreaterThan(0);
});
