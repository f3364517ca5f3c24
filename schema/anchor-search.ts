import type { Anchor } from "./anchor.ts";
import type { QuoteIndex } from "./anchor-quote.ts";
import { isEditOf, squeezed } from "./anchor-similarity.ts";
import { lineAt, type Span, trimmed } from "./anchor-text.ts";

/*
 * Where the words of an anchor are, by this rule:
 *
 * 1. Its positions stand around the quote, in the block where it was made (or that block had no id): there.
 * 2. Otherwise every place of the quote is looked at for which something more speaks (`isSure`), and what stands
 *    between the positions, if that is an edit of the quote (`isEditOf`) and for it speaks the block or the context.
 *    Words that were edited in their own block compete with places in that block only.
 *    If a place overlaps what is between the positions, it is that, whole: its paragraph was split.
 * 3. Of several, that with most of the old context wins; of those about equal in this, the one in the old block; then
 *    the one that the positions stand around, if it is the quote.
 * 4. Where there is none: an edit of the quote in the old block, between its old neighbours or its own ends.
 * 5. Nothing, or several: detached.
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
  const places = index.places(quote).filter(isSure);
  const isEdited =
    kept !== null &&
    !isExact &&
    !places.some(overlapsKept) &&
    isEditOf(quote, wordsAt(kept)) &&
    (blockId === null || inBlock(kept) || contextAt(kept) >= MUCH_CONTEXT);
  const isHome = isEdited && inBlock(kept);
  const candidates = isHome ? places.filter(inBlock) : places;
  if (isEdited) candidates.push(kept);
  if (isExact && !places.some(overlapsKept)) candidates.push(kept);
  if (candidates.length === 0) return findEdited(index, anchor);
  return choose(candidates, {
    contextAt,
    inBlock,
    isKept: (span) => isExact && overlapsKept(span),
  });
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
  { text }: QuoteIndex,
  { quote, before, after, blockId }: Omit<Anchor, "start" | "end">,
): Span | null {
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
  const span = trimmed(text, { from: first.from + from, to: first.from + to });
  return span !== null && isEditOf(quote, text.text.slice(span.from, span.to)) ? span : null;
}

/** Where some words are, if they are there once and long enough to say something. */
function onlyPlaceOf(text: string, words: string): number | null {
  if (squeezed(words).length < MIN_END_LENGTH) return null;
  const at = text.indexOf(words);
  return at === text.lastIndexOf(words) && at !== -1 ? at : null;
}
