import { expect, test } from "vitest";
import { matchByWeight } from "../schema/matching-by-weight.ts";
import { matchWithFewEdits } from "../schema/matching-few-edits.ts";
import { matchEqual, type Match } from "../schema/matching.ts";
import { createRandom } from "./support/seed.ts";

const random = createRandom();
const list = (length: number, kinds: number): number[] =>
  Array.from({ length }, () => Math.floor(random() * kinds));

/** What makes a list of matches none: pairs that differ, or cross. */
function faultOf(
  matches: readonly Match[],
  a: readonly number[],
  b: readonly number[],
): string | null {
  for (const [index, [i, j]] of matches.entries()) {
    if (a[i] === undefined || a[i] !== b[j]) return `${i} and ${j} differ`;
    const [beforeI, beforeJ] = matches[index - 1] ?? [-1, -1];
    if (beforeI >= i || beforeJ >= j) return `${i} and ${j} cross those before`;
  }
  return null;
}

test("every way of matching finds as much as there is, and no matches cross", () => {
  for (let round = 0; round < 500; round += 1) {
    const kinds = 1 + Math.floor(random() * 8);
    const [a, b] = [list(Math.floor(random() * 30), kinds), list(Math.floor(random() * 30), kinds)];
    const best = matchByWeight(a.length, b.length, (i, j) => (a[i] === b[j] ? 1 : 0));
    for (const matches of [best, matchWithFewEdits(a, b) ?? [], matchEqual(a, b)]) {
      expect(faultOf(matches, a, b)).toBeNull();
      expect(matches.length).toBe(best.length);
    }
  }
});

test("long lists are matched in reasonable time, be they alike or not", () => {
  const a = list(20_000, 1_000_000);
  const moved = [...a.slice(10_000), ...a.slice(0, 10_000)];
  for (const b of [a.toSpliced(5, 400), a.toReversed(), moved, list(20_000, 3), list(20_000, 9)]) {
    const startedMs = performance.now();
    const matches = matchEqual(a, b);
    // 5 s: each takes some hundred ms; what is quadratic without a bound takes minutes.
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(faultOf(matches, a, b)).toBeNull();
    if (b === moved) expect(matches.length).toBe(10_000);
  }
});
