import * as Y from "yjs";
import { type Bounds, indexOf, leftOf, runOf, type Runs, type Struct } from "./update-runs.ts";

/** Items that are looked at for one update: more than honest people ever put between two neighbours. Milliseconds. */
const MAX_STEPS = 1_000_000;

/** What new items say of one another, followed for one update; in an honest one a step or two for each item. */
const MAX_PROOF_STEPS = 20_000;

/**
 * Tells whether new items stand between their neighbours in the right order. An item that claims to stand before its
 * left neighbour, or before and behind the same one, has no place that follows from what it says: Yjs puts it where the
 * order of arrival leads, and whoever loads the document later has other words than whoever was there (found by
 * `npm run fuzz`). One for each update: it remembers how far it has looked.
 */
export class UpdateOrder {
  readonly #doc: Y.Doc;
  readonly #runs: Runs;
  readonly #known = new Set<string>();
  #steps = 0;
  #proofSteps = 0;
  #isProven = true;

  constructor(doc: Y.Doc, runs: Runs) {
    this.#doc = doc;
    this.#runs = runs;
  }

  /** False: the order of some neighbours shows only when they are in a document, by Yjs' rule for what came at the same time. */
  get isProven(): boolean {
    return this.#isProven;
  }

  /** False: out of order. `bounds`: the nearest neighbours that the document has. */
  add(behind: Y.ID | null, before: Y.ID | null, bounds: Bounds): boolean {
    const { left, right } = bounds;
    if (left !== null && right !== null && !this.#isBefore(left, right)) return false;
    if (!this.#isProven || behind === null || before === null) return true;
    const isInDocument = Y.compareIDs(behind, left) && Y.compareIDs(before, right);
    this.#isProven = isInDocument || this.#isFollowing(behind, before);
    return true;
  }

  /** True when one stands before the other in the document, which has both. */
  #isBefore(left: Y.ID, right: Y.ID): boolean {
    const key = `${left.client} ${left.clock} ${right.client} ${right.clock}`;
    if (this.#known.has(key)) return true;
    const isInOrder = standInOrder(this.#doc, left, right, (one, other) =>
      this.#comesFirst(one, other),
    );
    if (isInOrder) this.#known.add(key);
    return isInOrder;
  }

  /** From both to the right at once: the way is as long as what lies between them, whichever comes first. */
  #comesFirst(one: Y.Item, other: Y.Item): boolean {
    let [fromOne, fromOther] = [one.right, other.right];
    for (; this.#steps < MAX_STEPS; this.#steps += 1) {
      if (fromOne === other || fromOther === null) return true;
      if (fromOther === one || fromOne === null) return false;
      [fromOne, fromOther] = [fromOne.right, fromOther.right];
    }
    return false;
  }

  /**
   * True when it follows from what the new items say that one stands before the other: each stands before what it names
   * to its right and behind what it names to its left, so the way to the right of one and the way to the left of the
   * other meet. They always do where one editor saw all of it: of two that are side by side, the later names the other.
   */
  #isFollowing(left: Y.ID, right: Y.ID): boolean {
    const rightwards = new Map<Y.Item, number>();
    const leftwards = new Map<Y.Item, number>();
    let from = this.#at(left);
    let to = this.#at(right);
    while (from.item !== null || to.item !== null) {
      this.#proofSteps += 1;
      if (this.#proofSteps > MAX_PROOF_STEPS) return false;
      if (from.item !== null) {
        if ((leftwards.get(from.item) ?? -1) >= from.clock) return true;
        rightwards.set(from.item, from.clock);
        from = this.#at(from.item.rightOrigin);
      }
      if (to.item !== null) {
        if ((rightwards.get(to.item) ?? Number.POSITIVE_INFINITY) <= to.clock) return true;
        leftwards.set(to.item, to.clock);
        to = this.#at(leftOf(to.item, this.#runs.get(to.item.id.client)?.known ?? 0));
      }
    }
    if (from.id === null || to.id === null) return false;
    return Y.compareIDs(from.id, to.id) || this.#isBefore(from.id, to.id);
  }

  /** A step of the way: an item of the update, or something of the document, where the way ends. */
  #at(id: Y.ID | null): { id: Y.ID | null; item: Y.Item | null; clock: number } {
    const run = id === null ? null : runOf(this.#runs, id);
    if (id === null || run === null) return { id, item: null, clock: 0 };
    const struct = run.structs[indexOf(run, id.clock)];
    const item = struct instanceof Y.Item ? struct : null;
    return { id: null, item, clock: id.clock };
  }
}

/** True also where one is collected: Yjs keeps nothing of what names it. `comesFirst`: of two items of one list. */
function standInOrder(
  { store }: Y.Doc,
  left: Y.ID,
  right: Y.ID,
  comesFirst: (one: Y.Item, other: Y.Item) => boolean,
): boolean {
  const [one, other]: unknown[] = [Y.getItem(store, left), Y.getItem(store, right)];
  if (!(one instanceof Y.Item && other instanceof Y.Item)) return true;
  return one === other ? left.clock < right.clock : comesFirst(one, other);
}

/** Between what the items of an update are to stand in a document that does not have them yet. */
export const claimsOf = (structs: readonly Struct[], { store }: Y.Doc): Bounds[] =>
  structs.flatMap((struct) => {
    const known = Y.getState(store, struct.id.client);
    const isNews = struct.id.clock + struct.length > known;
    return isNews && struct instanceof Y.Item
      ? [{ left: leftOf(struct, known), right: struct.rightOrigin }]
      : [];
  });

/** Tells whether they do, now that it has them. Each list is walked once, however many items were put into it. */
export function areInOrder(claims: readonly Bounds[], doc: Y.Doc): boolean {
  const places = new Map<Y.Item, number>();
  const placeOf = (item: Y.Item): number => {
    if (!places.has(item)) {
      let at: Y.Item | null = item;
      while (at.left !== null) at = at.left;
      for (; at !== null; at = at.right) places.set(at, places.size);
    }
    return places.get(item) ?? 0;
  };
  const comesFirst = (one: Y.Item, other: Y.Item): boolean => placeOf(one) < placeOf(other);
  return claims.every(
    ({ left, right }) =>
      left === null || right === null || standInOrder(doc, left, right, comesFirst),
  );
}
