import type { ContentUnit, Unit, YjsUnit } from "./content-units.ts";
import { createNumbers } from "./content-units.ts";
import { matchByWeight } from "./matching-by-weight.ts";
import { matchEqual, type Match } from "./matching.ts";

/** Pairs up to which the units of a gap are compared by what they say; beyond, by kind alone. */
const MAX_COMPARED = 2500;

/** Less than any common word weighs: unlike units of one kind become each other only where nothing is more alike. */
const SAME_KIND = 0.001;

/**
 * Which unit of a document becomes which unit of its new content, so that no two matches cross: the same id, then
 * the same content, then, in what lies between, whatever is most alike. What has no match is deleted, or new.
 */
export function alignUnits(before: readonly YjsUnit[], after: readonly ContentUnit[]): Match[] {
  const kept = keptIds(before, after);
  const matches: Match[] = [];
  let last: Match = [-1, -1];
  for (const match of [
    ...matchKnown(before, after, kept),
    [before.length, after.length] as const,
  ]) {
    const old = range(last[0] + 1, match[0]).filter((i) => !kept.has((before[i] as Unit).id ?? ""));
    const fresh = range(last[1] + 1, match[1]).filter((j) => (after[j] as Unit).id === null);
    for (const alike of matchAlike(before, after, old, fresh)) matches.push(alike);
    if (match[0] < before.length) matches.push(match);
    last = match;
  }
  return matches;
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);

/** Ids that a unit has before and after, and is of one kind both times. */
function keptIds(before: readonly Unit[], after: readonly Unit[]): ReadonlySet<string> {
  const kinds = new Map<string, string>();
  for (const { id, kind } of before) if (id !== null && !kinds.has(id)) kinds.set(id, kind);
  const kept = after.filter(({ id, kind }) => id !== null && kinds.get(id) === kind);
  return new Set(kept.flatMap(({ id }) => id ?? []));
}

function matchKnown(
  before: readonly Unit[],
  after: readonly Unit[],
  kept: ReadonlySet<string>,
): Match[] {
  const numbers = createNumbers();
  const seen = new Set<string>();
  const old = before.map(({ id, body }, index) => {
    if (id === null || !kept.has(id)) return numbers(`body ${body}`);
    // Two blocks may have one id, when two people split the same; the second is none that can be asked for.
    const isSecond = seen.has(id);
    seen.add(id);
    return isSecond ? -2 * index - 1 : numbers(`id ${id}`);
  });
  const fresh = after.map(({ id, body }, index) => {
    if (id === null) return numbers(`body ${body}`);
    return kept.has(id) ? numbers(`id ${id}`) : -2 * index - 2;
  });
  return matchEqual(old, fresh);
}

function matchAlike(
  before: readonly Unit[],
  after: readonly Unit[],
  old: readonly number[],
  fresh: readonly number[],
): Match[] {
  const unitsBefore = old.map((index) => before[index] as Unit);
  const unitsAfter = fresh.map((index) => after[index] as Unit);
  const isSmall = old.length * fresh.length <= MAX_COMPARED;
  const matches = isSmall
    ? matchByLikeness(unitsBefore, unitsAfter)
    : matchByKind(unitsBefore, unitsAfter);
  return matches.map(([i, j]) => [old[i] as number, fresh[j] as number] as const);
}

function matchByKind(before: readonly Unit[], after: readonly Unit[]): Match[] {
  const numbers = createNumbers();
  const kinds = (units: readonly Unit[]) => units.map(({ kind }) => numbers(kind));
  return matchEqual(kinds(before), kinds(after));
}

function matchByLikeness(before: readonly Unit[], after: readonly Unit[]): Match[] {
  const wordsBefore = before.map(({ text }) => wordsOf(text));
  const wordsAfter = after.map(({ text }) => wordsOf(text));
  return matchByWeight(before.length, after.length, (i, j) => {
    if (before[i]?.kind !== after[j]?.kind) return 0;
    return SAME_KIND + likeness(wordsBefore[i] ?? new Set(), wordsAfter[j] ?? new Set());
  });
}

const wordsOf = (text: string): ReadonlySet<string> => new Set(text.match(/[\p{L}\p{N}]+/gu) ?? []);

/** How many words two texts share, of all that they have: 0 to 1. */
function likeness(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const total = one.size + other.size;
  if (total === 0) return 0;
  let shared = 0;
  for (const word of one) if (other.has(word)) shared += 1;
  return (2 * shared) / total;
}
