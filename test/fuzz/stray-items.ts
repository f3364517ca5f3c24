import * as Y from "yjs";
import { type RawPlace, type RawStruct, rawUpdateOf, text } from "../support/raw-update.ts";
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
 * An update of up to three clients that puts a few words between neighbours that need not be side by side, nor in this
 * order: each is any character of the diagram, often one of the update itself, or none.
 */
export function strayItems(
  state: Uint8Array,
  clients: readonly number[],
  random: Random,
): Uint8Array {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state);
  const known = charactersOf(doc.getText("diagram"));
  const writers = new Set(Array.from({ length: 1 + upTo(random, 3) }, () => pick(random, clients)));
  const parts = [...writers].map((client) => {
    const clock = Y.getState(doc.store, client);
    return { client, clock, end: clock, structs: [] as RawStruct[] };
  });
  doc.destroy();
  const news: Id[] = [];
  const neighbour = (): Id | null => {
    if (random() < 0.2) return null;
    return pick(random, news.length > 0 && random() < 0.6 ? news : known) ?? null;
  };
  for (let left = 1 + upTo(random, 6); left > 0; left -= 1) {
    const part = pick(random, parts);
    const word = pick(random, ["a", "a", "bc", "def"]);
    part.structs.push(text(place(neighbour(), neighbour()), word));
    for (let at = 0; at < word.length; at += 1) news.push([part.client, part.end + at]);
    part.end += word.length;
  }
  return rawUpdateOf(parts.filter(({ structs }) => structs.length > 0));
}
