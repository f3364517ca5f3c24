import type { Anchor } from "./anchor.ts";
import type { QuoteIndex } from "./anchor-quote.ts";
import { firstShared, isEditOf, lastShared, squeezed } from "./anchor-similarity.ts";
import { lineAt, type Span, trimmed } from "./anchor-text.ts";

/*
 * Where the words of an anchor are, by this rule:
 *
 * 1. Its positions stand around the quote, in the block where it was made (or that block had no id): there.
 * 2. A place of the quote that overlaps what is between the positions: its paragraph was split, or part of it was
 *    deleted and brought back.
 * 3. Every other place of the quote for which something more speaks (`isSure`) competes; so does an edit of the quote
 *    (`isEditOf`) between the positions, if it is in the old block, and then only places in that block compete.
 *    That with most of the old context wins; of those about equal in this, the one in the old block. Where several
 *    are left, nothing decides: detached.
 * 4. Where there is none: an edit of the quote between the positions, if the block had no id.
 * 5. An edit of the quote in the old block, between its old neighbours or its own ends.
 *
 * The block counts for so much because y-tiptap, when blocks are reordered, rewrites one into the other and keeps
 * the Yjs items of what both begin and end with. The positions then stand in other words; but the id moved.
 */

/** From here on a quote is its own proof. White space is not counted, here and below. */
const LONG_QUOTE = 16;
/** So much of the context is proof for a shorter one; */
const MUCH_CONTEXT = 8;
/** in the same block, so much. */
const SOME_CONTEXT = 3;
/** Contexts that differ by less are equally good. */
const CONTEXT_DIFFERENCE = 3;
/** Characters that are looked for to find where an edited quote begins or ends. */
const END_LENGTH = 12;
const MIN_END_LENGTH = 6;

/** Finds an anchor's words. `kept`: what stands between its positions, null where one of them is lost. */
export function findAnchored(
  index: QuoteIndex,
  anchor: Omit<Anchor, "start" | "end">,
  kept: Span | null,
): Span | null {
  const { blockId, quote } = anchor;
  const wordsAt = ({ from, to }: Span) => index.text.text.slice(from, to);
  const inBlock = ({ from }: Span) =>
    blockId !== null && lineAt(index.text, from)?.blockId === blockId;
  const isExact = kept !== null && squeezed(wordsAt(kept)) === squeezed(quote);
  if (isExact && (blockId === null || inBlock(kept))) return kept;

  const contextAt = (span: Span) => index.contextAt(span, anchor);
  const overlapsKept = (span: Span) => kept !== null && span.from < kept.to && kept.from < span.to;
  const isSure = (span: Span): boolean =>
    squeezed(quote).length >= LONG_QUOTE ||
    overlapsKept(span) ||
    contextAt(span) >= (inBlock(span) ? SOME_CONTEXT : MUCH_CONTEXT) ||
    (inBlock(span) && isWholeBlock(index, span));
  const sure = index.places(quote).filter(isSure);
  const edited =
    kept === null || isExact || sure.some(overlapsKept) ? null : editAt(index, quote, kept);
  const isHome = edited !== null && inBlock(edited);
  const places = isHome ? sure.filter(inBlock) : sure;
  if (isExact && !places.some(overlapsKept)) places.push(kept);
  if (edited !== null && isHome) places.push(edited);
  if (places.length > 0) {
    return choose(places, {
      contextAt,
      inBlock,
      isKept: (span) => isExact && overlapsKept(span),
    });
  }
  if (edited !== null && blockId === null) return edited;
  return findEdited(index, anchor);
}

/**
 * What is left of the quote between two places, if it is an edit of it.
 *
 * Where the first or last character of the quote was deleted, a position stands where it had been, and what was typed
 * or pasted there may be on either side: it is left out, up to what the quote has too.
 */
function editAt({ text }: QuoteIndex, quote: string, { from, to }: Span): Span | null {
  const words = text.text.slice(from, to);
  const isBegun = words[0] === quote[0];
  const isEnded = words.at(-1) === quote.at(-1);
  const start = isBegun ? 0 : firstShared(quote, words);
  const end = isEnded ? words.length : lastShared(quote, words);
  if (start >= end) return null;
  const span = trimmed(text, { from: from + start, to: from + end });
  if (span === null) return null;
  return isEditOf(quote, text.text.slice(span.from, span.to), isBegun && isEnded) ? span : null;
}

type Judges = {
  readonly contextAt: (span: Span) => number;
  readonly inBlock: (span: Span) => boolean;
  readonly isKept: (span: Span) => boolean;
};

/** The one for which most speaks; null where nothing decides. */
function choose(spans: readonly Span[], { contextAt, inBlock, isKept }: Judges): Span | null {
  const contexts = spans.map(contextAt);
  const most = contexts.reduce((one, other) => Math.max(one, other), 0);
  const best = spans.filter((_, at) => (contexts[at] ?? 0) > most - CONTEXT_DIFFERENCE);
  const atHome = best.filter(inBlock);
  const left = atHome.length > 0 ? atHome : best;
  const [first, second] = left;
  if (first !== undefined && second === undefined) return first;
  return left.find(isKept) ?? null;
}

function isWholeBlock({ text }: QuoteIndex, { from, to }: Span): boolean {
  const line = lineAt(text, from);
  return line !== null && line.isBlock && line.from === from && line.to === to;
}

/** An edit of the quote in the old block, when its positions are lost. */
function findEdited(
  index: QuoteIndex,
  { quote, before, after, blockId }: Omit<Anchor, "start" | "end">,
): Span | null {
  const { text } = index;
  const lines = blockId === null ? [] : text.lines.filter((line) => line.blockId === blockId);
  const [first, last] = [lines[0], lines.at(-1)];
  if (first === undefined || last === undefined) return null;
  const block = text.text.slice(first.from, last.to);
  const length = Math.min(END_LENGTH, quote.length >> 1);
  const head = onlyPlaceOf(block, quote.slice(0, length));
  const tail = onlyPlaceOf(block, quote.slice(-length));
  const left = onlyPlaceOf(block, before);
  const right = onlyPlaceOf(block, after);
  const from = head ?? (left === null ? null : left + before.length);
  const to = tail === null ? right : tail + length;
  if (from === null || to === null || from >= to) return null;
  return editAt(index, quote, { from: first.from + from, to: first.from + to });
}

/** Where some words are, if they are there once and long enough to say something. */
function onlyPlaceOf(text: string, words: string): number | null {
  if (squeezed(words).length < MIN_END_LENGTH) return null;
  const at = text.indexOf(words);
  return at === text.lastIndexOf(words) && at !== -1 ? at : null;
}
