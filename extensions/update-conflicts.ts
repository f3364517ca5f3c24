import * as Y from "yjs";
import { DIAGRAM, FRAGMENT } from "../schema/document-schema.ts";
import type { Place } from "./update-content.ts";
import type { Bounds } from "./update-runs.ts";

/** What Yjs may look through for one update, items: some 50 ms. Honest edits stand next to what they were typed at. */
const MAX_CONFLICTS = 500_000;

/** What is needed of Yjs' types; their events are of no interest here. */
type Parent = { readonly _start: Y.Item | null; readonly _map: Map<string, Y.Item> };

/**
 * Counts what Yjs may have to look through to find the place of an update's items: what the document has between the
 * neighbours that an item names. Thousands of items that all name the same two cost the square of their number, and
 * each of their updates is small.
 */
export class UpdateConflicts {
  readonly #doc: Y.Doc;
  #count = 0;

  constructor(doc: Y.Doc) {
    this.#doc = doc;
  }

  /** Items of the document, the same one as often as it is looked at. */
  get count(): number {
    return this.#count;
  }

  /**
   * Adds what a new item costs; false: too much. `behind`: what Yjs puts it behind. One that stands behind another of
   * its update is looked for from there, and what the document has there names a neighbour further left: Yjs stops at
   * the first.
   */
  add(behind: Y.ID | null, place: Place, { left, right }: Bounds): boolean {
    if (behind !== null && !Y.compareIDs(behind, left)) return true;
    const { store } = this.#doc;
    const begin = left === null ? null : Y.getItem(store, left);
    const end = right === null ? null : Y.getItem(store, right);
    // Between two characters of one item: Yjs splits it, and nothing stands there.
    if (begin !== null && begin === end) return true;
    let at = begin === null ? this.#first(place) : rightOf(begin);
    for (; at !== null && at !== end && this.#count <= MAX_CONFLICTS; at = at.right) {
      this.#count += 1;
    }
    return this.#count <= MAX_CONFLICTS;
  }

  /** The first of the list that the place is in; of an attribute, the first value that it ever had. */
  #first({ within, kind, depth, key }: Place): Y.Item | null {
    const root = kind === "fragment" ? FRAGMENT : DIAGRAM;
    const parent = (depth === 0 ? this.#doc.share.get(root) : within) as Parent | undefined;
    if (parent === undefined) return null;
    if (key === null) return parent._start;
    let first = parent._map.get(key) ?? null;
    for (; first?.left && this.#count <= MAX_CONFLICTS; first = first.left) this.#count += 1;
    return first;
  }
}

/** Collected: Yjs keeps nothing of what stands there. */
const rightOf = (left: unknown): Y.Item | null => (left instanceof Y.Item ? left.right : null);
