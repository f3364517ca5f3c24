import * as Y from "yjs";

/** Between what an item claims to stand; null: the beginning or the end of its list. */
export type Bounds = { readonly left: Y.ID | null; readonly right: Y.ID | null };

/** Of what stands nowhere. */
export const NO_BOUNDS: Bounds = { left: null, right: null };

/** Items that are looked at for one update: more than honest people ever put between two neighbours. Milliseconds. */
const MAX_STEPS = 1_000_000;

/**
 * Tells whether items stand between their neighbours in the right order. An item that claims to stand before its left
 * neighbour, or before and behind the same one, has no place that follows from what it says: Yjs puts it where the
 * order of arrival leads, and whoever loads the document later has other words than whoever was there (found by
 * `npm run fuzz`). One for each update: it remembers how far it has looked.
 */
export function createOrder(doc: Y.Doc): (bounds: Bounds) => boolean {
  const known = new Set<string>();
  let steps = 0;
  return ({ left, right }) => {
    if (left === null || right === null) return true;
    const key = `${left.client} ${left.clock} ${right.client} ${right.clock}`;
    if (known.has(key)) return true;
    const [one, other]: unknown[] = [Y.getItem(doc.store, left), Y.getItem(doc.store, right)];
    // Collected: Yjs keeps nothing of the item either.
    if (!(one instanceof Y.Item && other instanceof Y.Item)) return true;
    if (one === other ? left.clock >= right.clock : !isBefore(one, other)) return false;
    known.add(key);
    return true;
  };

  /** From both to the right at once: the way is as long as what lies between them, whichever comes first. */
  function isBefore(one: Y.Item, other: Y.Item): boolean {
    let [fromOne, fromOther] = [one.right, other.right];
    for (; steps < MAX_STEPS; steps += 1) {
      if (fromOne === other || fromOther === null) return true;
      if (fromOther === one || fromOne === null) return false;
      [fromOne, fromOther] = [fromOne.right, fromOther.right];
    }
    return false;
  }
}
