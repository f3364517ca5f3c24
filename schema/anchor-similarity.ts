/** How much of the quote must be left in words that are to count as an edit of it. */
const ENOUGH = 0.5;

/** Words that many times longer than the quote are others, with the quote's somewhere among them. */
const MAX_GROWTH = 4;
/** What may be typed into any quote, however short. */
const ALWAYS_ALLOWED = 400;

const WORD = /[\p{L}\p{N}\p{M}]+/gu;

/** Without white space: a paragraph that is split or joined says the same. */
export const squeezed = (text: string): string => text.replaceAll(/\s+/gu, "");

/**
 * True when `now` is an edit of `quote`: at least half of it is left, counted in whole words or in groups of three
 * characters (a word with a typo in it is still mostly there; so are texts that do without spaces), and it has not
 * grown beyond measure.
 */
export function isEditOf(quote: string, now: string): boolean {
  if (now.length > quote.length * MAX_GROWTH + ALWAYS_ALLOWED) return false;
  return keptWords(quote, now) >= ENOUGH || keptGroups(quote, now) >= ENOUGH;
}

function keptWords(quote: string, now: string): number {
  return keptShare(quote.match(WORD) ?? [], now.match(WORD) ?? []);
}

function keptGroups(quote: string, now: string): number {
  const [before, after] = [squeezed(quote), squeezed(now)];
  const size = before.length < 8 ? 2 : 3;
  return keptShare(groups(before, size), groups(after, size));
}

const groups = (text: string, size: number): string[] =>
  Array.from({ length: Math.max(text.length - size + 1, 0) }, (_, at) => text.slice(at, at + size));

/** The share of `before`, by length, that is in `after`; each counts as often as it is there. */
function keptShare(before: readonly string[], after: readonly string[]): number {
  const left = new Map<string, number>();
  for (const part of after) left.set(part, (left.get(part) ?? 0) + 1);
  let [all, kept] = [0, 0];
  for (const part of before) {
    all += part.length;
    const count = left.get(part) ?? 0;
    if (count === 0) continue;
    left.set(part, count - 1);
    kept += part.length;
  }
  return all === 0 ? 0 : kept / all;
}
