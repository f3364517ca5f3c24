import * as Y from "yjs";
import { indexOf, leftOf, runOf, type Runs } from "./update-runs.ts";

/** What may be looked at for one update, items: some 50 ms. An honest one needs a step or two for each of its own. */
const MAX_STEPS = 500_000;

/** Of a new item: what it hangs on that is new and hangs on nothing new, what that hangs on, and how far down it is. */
type Branch = { readonly top: Y.ID; readonly origin: Y.ID | null; readonly depth: number };

/** A character, and the item that holds it. */
type Character = {
  readonly id: Y.ID;
  readonly item: Y.Item;
  /** The clock of the item's first character. */
  readonly first: number;
  readonly origin: Y.ID | null;
  /** Of the item; null: the document has it. */
  readonly branch: Branch | null;
};

/**
 * Tells whether the place of a new item follows from what it says. To Yjs a list is a tree: each character hangs on its
 * left neighbour. Where the right neighbour is deep in a branch that hangs on the left one, and the branch begins with a
 * smaller client id, Yjs puts the item behind that beginning: within a branch of which it is no part. What else hangs
 * there then stands before the item or behind it, as it came, and whoever loads the document later has other words than
 * whoever was there (found by `npm run fuzz`).
 *
 * An honest editor names neighbours that are side by side: the right one hangs on the left one itself, or is no deeper
 * in the tree. Yjs' redo may name a right one that stands before the left one, which is no harm: Yjs never meets it.
 * One for each update: it remembers how far it has looked.
 */
export class UpdateOrder {
  readonly #doc: Y.Doc;
  readonly #runs: Runs;
  readonly #branches = new Map<unknown, Branch>();
  #steps = 0;

  constructor(doc: Y.Doc, runs: Runs) {
    this.#doc = doc;
    this.#runs = runs;
  }

  /** Items that were looked at beyond the neighbours themselves. */
  get count(): number {
    return this.#steps;
  }

  /** Everything that the item refers to must be in the document, or added. `known`: what the document has of its client. */
  add(item: Y.Item, known: number): "malformed" | "cost" | null {
    const { client, clock } = item.id;
    const origin = leftOf(item, known);
    const left = origin && this.#at(origin);
    const top = Y.createID(client, Math.max(clock, known));
    this.#branches.set(item, below(left) ?? { top, origin, depth: 0 });
    const right = item.rightOrigin && this.#at(item.rightOrigin);
    // Collected: Yjs keeps nothing of the item.
    if (right === null || (left === null && origin !== null)) return null;
    const isCut = left !== null && this.#isCutBetween(right, left);
    const begin = this.#beginOf(right, left);
    if (this.#steps > MAX_STEPS) return "cost";
    const isSplit = begin !== null && begin.client < client && !Y.compareIDs(begin, right.id);
    return isCut || isSplit ? "malformed" : null;
  }

  /** What hangs on the left one, on the way from there to the right one; null: there is no such way. */
  #beginOf(right: Character, left: Character | null): Y.ID | null {
    const [branch, leftBranch] = [below(right), below(left)];
    if (leftBranch !== null) {
      // What the document has hangs on nothing that is new.
      if (branch === null || branch.top !== leftBranch.top) return null;
      return this.#climb(right, left, (at) => (below(at)?.depth ?? 0) > leftBranch.depth);
    }
    if (branch !== null && Y.compareIDs(branch.origin, left && left.id)) return branch.top;
    const from = branch === null ? right : branch.origin && this.#at(branch.origin);
    let between: ReadonlySet<Y.Item> | null = null;
    return this.#climb(from, left, ({ item }) => {
      if (left === null) return true;
      between ??= this.#between(left.item, right.item);
      return between.has(item);
    });
  }

  /** `mayHang`: whether something may hang on the left one; if not, there is no need to go on. */
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

  /** The items of the document from the left one to the right one; to the end of the list, if that is not behind it. */
  #between(left: Y.Item, right: Y.Item): ReadonlySet<Y.Item> {
    const between = new Set<Y.Item>();
    for (let at: Y.Item | null = left; at !== null && at !== right; at = at.right) {
      between.add(at);
      this.#steps += 1;
      if (this.#steps > MAX_STEPS) break;
    }
    return between;
  }

  /**
   * True when the right neighbour stands before the left one in one item, or may once Yjs merges. Yjs looks for the left
   * neighbour first, then cuts the item before the right one, and keeps the wrong half: where that is follows from what
   * had been cut before.
   */
  #isCutBetween({ id: right }: Character, left: Character): boolean {
    if (right.client !== left.id.client || right.clock > left.id.clock) return false;
    let at: Character | null = left;
    for (; at !== null && at.first >= right.clock && this.#steps <= MAX_STEPS; this.#steps += 1) {
      const last = Y.createID(right.client, at.first - 1);
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
    const branch = run === null ? null : (this.#branches.get(item) ?? null);
    return { id, item, first, origin: leftOf(item, known), branch };
  }
}

/** Of what hangs on this character; null: it is of the document. */
function below(at: Character | null): Branch | null {
  if (at === null || at.branch === null) return null;
  return { ...at.branch, depth: at.branch.depth + 1 + at.id.clock - at.first };
}
