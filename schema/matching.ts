import { matchByWeight } from "./matching-by-weight.ts";
import { matchWithFewEdits } from "./matching-few-edits.ts";

/** Two places that belong together: an index in the old list and one in the new. */
export type Match = readonly [before: number, after: number];

/** Comparisons up to which every pair is compared. Long lists are compared for a few differences, or divided. */
const MAX_CELLS = 250_000;

/** A piece of both lists, ends excluded. */
type Span = { aFrom: number; aTo: number; bFrom: number; bTo: number };

/**
 * Matches equal entries of two lists so that no two matches cross, as many as there can be; in long lists that differ
 * a lot perhaps fewer. Rising in both.
 */
export function matchEqual(a: readonly number[], b: readonly number[]): Match[] {
  const matches: Match[] = [];
  matchSpan(a, b, { aFrom: 0, aTo: a.length, bFrom: 0, bTo: b.length }, matches);
  return matches;
}

function matchSpan(a: readonly number[], b: readonly number[], span: Span, matches: Match[]): void {
  let { aFrom, aTo, bFrom, bTo } = span;
  while (aFrom < aTo && bFrom < bTo && a[aFrom] === b[bFrom]) {
    matches.push([aFrom, bFrom]);
    aFrom += 1;
    bFrom += 1;
  }
  const tail: Match[] = [];
  while (aFrom < aTo && bFrom < bTo && a[aTo - 1] === b[bTo - 1]) {
    aTo -= 1;
    bTo -= 1;
    tail.push([aTo, bTo]);
  }
  if (aFrom < aTo && bFrom < bTo) {
    const rest = { aFrom, aTo, bFrom, bTo };
    const exact = matchExactly(a, b, rest);
    if (exact === null) matchBetweenAnchors(a, b, rest, matches);
    else for (const [i, j] of exact) matches.push([aFrom + i, bFrom + j]);
  }
  // Not as arguments of one call: there may be more than a stack holds.
  for (const match of tail.toReversed()) matches.push(match);
}

/** Null where that would take too long. */
function matchExactly(
  a: readonly number[],
  b: readonly number[],
  { aFrom, aTo, bFrom, bTo }: Span,
): Match[] | null {
  const [rows, columns] = [aTo - aFrom, bTo - bFrom];
  if (rows * columns > MAX_CELLS) {
    return matchWithFewEdits(a.slice(aFrom, aTo), b.slice(bFrom, bTo));
  }
  return matchByWeight(rows, columns, (i, j) => (a[aFrom + i] === b[bFrom + j] ? 1 : 0));
}

/** What occurs once in each list is matched first, as in a patience diff; then what lies between. */
function matchBetweenAnchors(
  a: readonly number[],
  b: readonly number[],
  { aFrom, aTo, bFrom, bTo }: Span,
  matches: Match[],
): void {
  const placesInA = placesOfSingles(a, aFrom, aTo);
  const placesInB = placesOfSingles(b, bFrom, bTo);
  const common: Match[] = [];
  for (const [entry, i] of placesInA) {
    const j = placesInB.get(entry);
    if (j !== undefined) common.push([i, j]);
  }
  const anchors = longestRising(common);
  let before: Match = [aFrom - 1, bFrom - 1];
  if (anchors.length === 0) return;
  for (const anchor of [...anchors, [aTo, bTo] as const]) {
    const between = { aFrom: before[0] + 1, aTo: anchor[0], bFrom: before[1] + 1, bTo: anchor[1] };
    matchSpan(a, b, between, matches);
    if (anchor[0] < aTo) matches.push(anchor);
    before = anchor;
  }
}

/** Where the entries are that occur once, in order. */
function placesOfSingles(list: readonly number[], from: number, to: number): Map<number, number> {
  const places = new Map<number, number>();
  const repeated = new Set<number>();
  for (let index = from; index < to; index += 1) {
    const entry = list[index] as number;
    if (places.has(entry)) repeated.add(entry);
    else places.set(entry, index);
  }
  for (const entry of repeated) places.delete(entry);
  return places;
}

/** The longest part of `matches` (rising in the first place) that rises in the second too. */
function longestRising(matches: readonly Match[]): Match[] {
  /** `ends[length - 1]`: the index of the match that ends the best rising part of that length. */
  const ends: number[] = [];
  const previous: number[] = [];
  for (const [index, [, place]] of matches.entries()) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((matches[ends[middle] as number] as Match)[1] < place) low = middle + 1;
      else high = middle;
    }
    previous.push(low === 0 ? -1 : (ends[low - 1] as number));
    ends[low] = index;
  }
  const rising: Match[] = [];
  for (let index = ends.at(-1) ?? -1; index !== -1; index = previous[index] as number) {
    rising.push(matches[index] as Match);
  }
  return rising.toReversed();
}
