import * as Y from "yjs";
import { rawUpdate, type RawPlace, text } from "../support/raw-update.ts";
import { pick, type Random, upTo } from "./honest-edits.ts";

type Id = readonly [client: number, clock: number];

/** The first, the last and one within: what is deleted may be a billion long. */
function charactersOf(list: Y.Text): Id[] {
  const ids: Id[] = [];
  for (let item = list._start; item !== null; item = item.right) {
    const { client, clock } = item.id;
    const places = new Set([0, item.length >> 1, item.length - 1]);
    for (const at of places) ids.push([client, clock + at]);
  }
  return ids;
}

function place(origin: Id | null, rightOrigin: Id | null): RawPlace {
  if (origin === null && rightOrigin === null) return { root: "diagram" };
  return { ...(origin && { origin }), ...(rightOrigin && { rightOrigin }) };
}

/**
 * An update of one client that puts a few words between neighbours that need not be side by side, nor in this order:
 * each is any character of the diagram, of the update itself, or none.
 */
export function strayItems(state: Uint8Array, client: number, random: Random): Uint8Array {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state);
  const clock = Y.getState(doc.store, client);
  const ids: (Id | null)[] = [null, ...charactersOf(doc.getText("diagram"))];
  doc.destroy();
  let end = clock;
  const structs = Array.from({ length: 1 + upTo(random, 3) }, () => {
    const word = pick(random, ["a", "bc", "def"]);
    const struct = text(place(pick(random, ids), pick(random, ids)), word);
    for (let left = word.length; left > 0; left -= 1, end += 1) ids.push([client, end]);
    return struct;
  });
  return rawUpdate({ client, clock, structs });
}
