import type { Match } from "./matching.ts";

/** Entries left out and put in, together, up to which it is looked for: the work and the memory grow with the square. */
const MAX_EDITS = 500;

/**
 * The best matching of two long lists that differ little, by Myers' greedy algorithm ("An O(ND) Difference Algorithm
 * and Its Variations", 1986). Null when they differ more.
 */
export function matchWithFewEdits(a: readonly number[], b: readonly number[]): Match[] | null {
  /** `reached[edits][diagonal + edits]`: how far in `a` so many edits lead on the diagonal (place in a - place in b). */
  const reached: Int32Array[] = [];
  for (let edits = 0; edits <= MAX_EDITS; edits += 1) {
    const row = new Int32Array(2 * edits + 1);
    reached.push(row);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let i = edits === 0 ? 0 : startOf(reached[edits - 1] as Int32Array, edits - 1, diagonal);
      while (i < a.length && i - diagonal < b.length && a[i] === b[i - diagonal]) i += 1;
      row[diagonal + edits] = i;
      if (i >= a.length && i - diagonal >= b.length) return matchesOf(reached, a.length, b.length);
    }
  }
  return null;
}

const NOWHERE = -1;

/** Where the next edit lands on a diagonal: a step down from the one above, or to the right from the one below. */
function startOf(before: Int32Array, edits: number, diagonal: number): number {
  const down = at(before, edits, diagonal + 1);
  const right = at(before, edits, diagonal - 1);
  return goesDown(down, right) ? down : right + 1;
}

const goesDown = (down: number, right: number): boolean => down !== NOWHERE && down > right;

const at = (row: Int32Array, edits: number, diagonal: number): number =>
  Math.abs(diagonal) > edits ? NOWHERE : (row[diagonal + edits] as number);

/** Goes back the way that led to the end; what lies on its diagonals is matched. */
function matchesOf(reached: readonly Int32Array[], rows: number, columns: number): Match[] {
  const matches: Match[] = [];
  let [i, j] = [rows, columns];
  for (let edits = reached.length - 1; edits >= 0; edits -= 1) {
    const diagonal = i - j;
    let [fromI, fromJ] = [0, 0];
    if (edits > 0) {
      const before = reached[edits - 1] as Int32Array;
      const down = at(before, edits - 1, diagonal + 1);
      const right = at(before, edits - 1, diagonal - 1);
      fromI = goesDown(down, right) ? down : right;
      fromJ = fromI - (goesDown(down, right) ? diagonal + 1 : diagonal - 1);
    }
    const startI = edits === 0 ? 0 : startOf(reached[edits - 1] as Int32Array, edits - 1, diagonal);
    while (i > startI) {
      i -= 1;
      j -= 1;
      matches.push([i, j]);
    }
    [i, j] = [fromI, fromJ];
  }
  return matches.toReversed();
}
