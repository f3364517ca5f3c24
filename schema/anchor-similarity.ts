/** So much of the quote must be left, by length, in words into which something was typed; */
const ENOUGH = 0.75;
/** so much in words from which something was only deleted, */
const ENOUGH_ALONE = 0.5;
/** which have so much that is from the quote. */
const NOTHING_ELSE = 0.9;

/** Words that many times longer than the quote are others, with the quote's somewhere among them. */
const MAX_GROWTH = 4;
/** What may be typed into any quote, however short. */
const ALWAYS_ALLOWED = 400;

const WORD = /[\p{L}\p{N}\p{M}]+/gu;

/** Without white space: a paragraph that is split or joined says the same. */
export const squeezed = (text: string): string => text.replaceAll(/\s+/gu, "");

/**
 * True when `now` is an edit of `quote`: three quarters of the quote are left, whatever was typed between them; or half
 * of it and nothing else. Counted in whole words or in groups of three characters: a word with a typo in it is still
 * mostly there, so are texts that do without spaces. `isWhole`: it begins and ends as the quote does; otherwise nothing
 * else may be in it. What has grown beyond measure is none.
 */
export function isEditOf(quote: string, now: string, isWhole: boolean): boolean {
  if (now.length > quote.length * MAX_GROWTH + ALWAYS_ALLOWED) return false;
  const kept = share(quote, now);
  if (isWhole && kept >= ENOUGH) return true;
  return kept >= ENOUGH_ALONE && share(now, quote) >= NOTHING_ELSE;
}

const share = (text: string, other: string): number =>
  Math.max(keptWords(text, other), keptGroups(text, other));

/** Characters that both texts have in a row, from which on they are no chance. */
const SHARED_LENGTH = 4;

/** Where in `now` the first characters begin that the quote has too; its end when it has none. */
export function firstShared(quote: string, now: string): number {
  for (let at = 0; at + SHARED_LENGTH <= now.length; at += 1) {
    if (quote.includes(now.slice(at, at + SHARED_LENGTH))) return at;
  }
  return now.length;
}

/** Where in `now` the last characters end that the quote has too; 0 when it has none. */
export function lastShared(quote: string, now: string): number {
  for (let at = now.length; at >= SHARED_LENGTH; at -= 1) {
    if (quote.includes(now.slice(at - SHARED_LENGTH, at))) return at;
  }
  return 0;
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
