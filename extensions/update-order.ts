import * as Y from "yjs";
import type { Place } from "./update-content.ts";
import { typeAt } from "./update-places.ts";
import { indexOf, leftOf, runOf, type Runs } from "./update-runs.ts";

/** What may be looked through for one update, items: a tenth of a second. An honest edit looks at a few. */
const MAX_STEPS = 500_000;

/** A new item that hangs on a character of the document, and everything new that hangs on it. */
type Branch = {
  /** Its first character. */
  readonly top: Y.ID;
  /** The character of the document that it hangs on; null: it is the first of its list. */
  readonly origin: Y.ID | null;
  /** A character of the document that stands behind the whole branch; null: none is known. */
  readonly end: Character | null;
};

/** A character, and the item that holds it. */
type Character = {
  readonly id: Y.ID;
  readonly item: Y.Item;
  /** The clock of the item's first character. */
  readonly first: number;
  /** What the item's first character hangs on. */
  readonly origin: Y.ID | null;
  /** Null: the document has it. */
  readonly branch: Branch | null;
  /** How many characters are between it and the top of its branch. */
  readonly depth: number;
};

/** The items of the document between two characters, and the character that ends the gap; null: the list ends it. */
type Gap = { readonly items: ReadonlySet<Y.Item>; readonly end: Character | null };

/** What is known of a gap before it is walked. */
type Way = {
  readonly end: Character | null;
  /** True: the end is in the left neighbour's item, to the right of it. */
  readonly isEnd: boolean;
  readonly origin: Character | null;
  /** False: the right neighbour may stand left of the left one, until `origin` is met on the way. */
  readonly isBehind: boolean;
};

/** What is needed of Yjs' types; their events are of no interest here. */
type Parent = { readonly _start: Y.Item | null; readonly _map: Map<string, Y.Item> };

/**
 * Tells whether the place of a new item follows from what it says, and counts what Yjs may have to look through to
 * find it.
 *
 * To Yjs a list is a tree: each character hangs on its left neighbour. Where the right neighbour is deep in a branch
 * that hangs on the left one, and the branch begins with a smaller client id, Yjs puts the item behind that beginning:
 * inside a branch that it is no part of. What else hangs there then stands before the item or behind it, as it came,
 * and whoever loads the document later reads other words than whoever was there (found by `npm run fuzz`).
 *
 * An honest editor names neighbours that are side by side: the right one hangs on the left one itself, or is no deeper
 * in the tree. Yjs' redo may name a right one that stands left of the left one. That does no harm: Yjs walks to the
 * right from the left one, and never meets it.
 *
 * Thousands of items that all name the same two neighbours cost the square of their number, and each of their updates
 * is small: so what stands between is counted. One for each update: it remembers how far it has looked.
 */
export class UpdateOrder {
  readonly #doc: Y.Doc;
  readonly #runs: Runs;
  readonly #branches = new Map<Y.Item, { readonly branch: Branch; readonly depth: number }>();
  readonly #gaps = new Map<string, Gap>();
  #steps = 0;

  constructor(doc: Y.Doc, runs: Runs) {
    this.#doc = doc;
    this.#runs = runs;
  }

  /** Items that were looked through; one that was looked at twice counts twice. */
  get count(): number {
    return this.#steps;
  }

  /** What the item refers to must be in the document, or added. `known`: what the document has of its client. */
  add(item: Y.Item, known: number, place: Place): "malformed" | "cost" | null {
    const { client, clock } = item.id;
    const origin = leftOf(item, known);
    const left = origin && this.#at(origin);
    const right = item.rightOrigin && this.#at(item.rightOrigin);
    const isCut = left !== null && right !== null && this.#isCutBetween(right, left);
    let begin: Y.ID | null = null;
    if (left !== null && left.branch !== null) {
      // Yjs looks no further than to the next item of the document, which hangs on nothing new.
      this.#branches.set(item, { branch: left.branch, depth: left.depth + 1 });
      if (right !== null) begin = this.#beginInUpdate(right, left);
    } else {
      const gap = this.#gapBetween(left, right, place);
      const top = Y.createID(client, Math.max(clock, known));
      this.#branches.set(item, { branch: { top, origin, end: gap.end }, depth: 0 });
      if (right !== null) begin = this.#beginInDocument(right, left, gap);
    }
    if (this.#steps > MAX_STEPS) return "cost";
    const isSplit =
      begin !== null && begin.client < client && !Y.compareIDs(begin, right?.id ?? null);
    return isCut || isSplit ? "malformed" : null;
  }

  /** The child of the left one, which is new, that the right one is or hangs under; null: it does not hang under it. */
  #beginInUpdate(right: Character, left: Character): Y.ID | null {
    if (right.branch !== left.branch) return null;
    return this.#climb(right, left, ({ depth }) => depth > left.depth);
  }

  /** The child of the left one, which the document has or which is the beginning of the list. */
  #beginInDocument(right: Character, left: Character | null, { items }: Gap): Y.ID | null {
    const { branch } = right;
    if (branch !== null && Y.compareIDs(branch.origin, left && left.id)) return branch.top;
    const from = branch === null ? right : branch.origin && this.#at(branch.origin);
    return this.#climb(from, left, ({ item }) => item === left?.item || items.has(item));
  }

  /** Goes from one to what it hangs on, and so on. `mayHang`: false where that cannot hang under the left one. */
  #climb(
    from: Character | null,
    left: Character | null,
    mayHang: (at: Character) => boolean,
  ): Y.ID | null {
    for (let at = from; at !== null && this.#steps <= MAX_STEPS; this.#steps += 1) {
      if (left !== null && left.item === at.item && left.id.clock < at.id.clock) {
        return Y.createID(at.id.client, left.id.clock + 1);
      }
      if (Y.compareIDs(at.origin, left && left.id)) return Y.createID(at.id.client, at.first);
      // Null: it is collected, and so is all that hangs on it.
      const next: Character | null = at.origin && this.#at(at.origin);
      if (next === null || !mayHang(next)) return null;
      at = next;
    }
    return null;
  }

  /**
   * What of the document Yjs may look through from the left one, which the document has, to the right one. A right one
   * that is new stands somewhere between what its branch hangs on and the end of the branch. If it may stand left of the
   * left one, Yjs may look on to the end of the list.
   */
  #gapBetween(left: Character | null, right: Character | null, place: Place): Gap {
    const begin = left === null ? this.#firstOf(place) : left.item.right;
    const branch = right && right.branch;
    const end = branch === null ? right : branch.end;
    const origin = branch && branch.origin && this.#at(branch.origin);
    const isEnd = end !== null && isBeside(left, end, 1);
    const isBehind =
      branch === null || left === null || (origin !== null && isBeside(left, origin, 0));
    if (isBehind && (isEnd || begin === (end && end.item))) return { items: NOTHING, end };
    if (begin === null) return { items: NOTHING, end: null };
    const ids = [left === null ? null : left.id, begin.id, right && right.id];
    const key = ids.map((id) => id && `${id.client} ${id.clock}`).join();
    const known = this.#gaps.get(key);
    this.#steps += known?.items.size ?? 0;
    if (known !== undefined) return known;
    const gap = this.#walk(begin, { end, isEnd, origin, isBehind });
    this.#gaps.set(key, gap);
    return gap;
  }

  #walk(begin: Y.Item, { end, isEnd, origin, isBehind }: Way): Gap {
    const items = new Set<Y.Item>();
    let [hasEnd, hasOrigin] = [isEnd, isBehind];
    for (let at: Y.Item | null = begin; at !== null && this.#steps <= MAX_STEPS; at = at.right) {
      hasEnd ||= at === end?.item;
      if (hasEnd && hasOrigin) return { items, end };
      hasOrigin ||= at === origin?.item;
      items.add(at);
      this.#steps += 1;
    }
    return { items, end: null };
  }

  /** The first of the list that the place is in; of an attribute, the first value that it ever had. */
  #firstOf(place: Place): Y.Item | null {
    const parent = typeAt(place, this.#doc) as Parent | undefined;
    if (parent === undefined) return null;
    if (place.key === null) return parent._start;
    let first = parent._map.get(place.key) ?? null;
    for (; first?.left && this.#steps <= MAX_STEPS; first = first.left) this.#steps += 1;
    return first;
  }

  /**
   * True when the right neighbour stands before the left one in one item, or may once Yjs merges. Yjs looks for the left
   * neighbour first, then cuts the item before the right one, and keeps the wrong half: where that is follows from what
   * had been cut before.
   */
  #isCutBetween(right: Character, left: Character): boolean {
    if (right.id.client !== left.id.client || right.id.clock > left.id.clock) return false;
    // Told at once for what somebody typed before something older of his own.
    if (!Y.compareIDs(right.item.rightOrigin, left.item.rightOrigin)) return false;
    let at: Character | null = left;
    while (at !== null && at.first >= right.id.clock && this.#steps <= MAX_STEPS) {
      this.#steps += 1;
      const last = Y.createID(left.id.client, at.first - 1);
      // What Yjs never merges, it never has to cut.
      if (!Y.compareIDs(at.origin, last)) return false;
      const before: Character | null = this.#at(last);
      if (before === null || !Y.compareIDs(at.item.rightOrigin, before.item.rightOrigin)) {
        return false;
      }
      at = before;
    }
    return at !== null;
  }

  /** Of the update or of the document; null: collected. */
  #at(id: Y.ID): Character | null {
    const run = runOf(this.#runs, id);
    const item: unknown =
      run === null ? Y.getItem(this.#doc.store, id) : run.structs[indexOf(run, id.clock)];
    if (!(item instanceof Y.Item)) return null;
    const known = run?.known ?? 0;
    const first = Math.max(item.id.clock, known);
    const added = run === null ? undefined : this.#branches.get(item);
    const depth = (added?.depth ?? 0) + id.clock - first;
    return { id, item, first, origin: leftOf(item, known), branch: added?.branch ?? null, depth };
  }
}

const NOTHING: ReadonlySet<Y.Item> = new Set();

/** True when it is `steps` or more characters to the right of the left one, and both in one item of the document. */
const isBeside = (left: Character | null, at: Character, steps: number): boolean =>
  left !== null && left.item === at.item && at.id.clock >= left.id.clock + steps;
