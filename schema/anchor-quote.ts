import { squeezed } from "./anchor-similarity.ts";
import { type AnchorText, lineAt, type Span } from "./anchor-text.ts";

/** Characters of the same block that an anchor keeps from either side of its quote. */
const CONTEXT_LENGTH = 32;

/** Wanted places of one quote that are answered: with more, the words alone say nothing. */
const MAX_PLACES = 2000;

/** The words of a document, ready to be searched. */
export type QuoteIndex = {
  readonly text: AnchorText;
  /**
   * Every place of these words that is wanted, as they stand; where there is none, those that differ in white space
   * only.
   */
  places(quote: string, isWanted?: (span: Span) => boolean): Span[];
  /** How many characters beside a span are those that were beside the quote, white space not counted. */
  contextAt(span: Span, context: Context): number;
};

/** What stood beside a quote. */
export type Context = { readonly before: string; readonly after: string };

/** Prepares the words of a document. What only some searches need is made when the first of them comes. */
export function createQuoteIndex(text: AnchorText): QuoteIndex {
  let made: Squeezed | null = null;
  return {
    text,
    places(quote, isWanted = () => true) {
      const exactAt = (from: number): Span => ({ from, to: from + quote.length });
      const exact = everyPlaceOf(quote, { within: text.text, spanAt: exactAt, isWanted });
      if (exact.length > 0) return exact;
      const wanted = squeezed(quote);
      made ??= squeeze(text.text);
      const { characters, at } = made;
      const spanAt = (from: number): Span => ({
        from: at[from] ?? 0,
        to: (at[from + wanted.length - 1] ?? 0) + 1,
      });
      return everyPlaceOf(wanted, { within: characters, spanAt, isWanted });
    },
    contextAt({ from, to }, { before, after }) {
      // Twice as much, since white space is not counted.
      const left = squeezed(text.text.slice(Math.max(from - 2 * CONTEXT_LENGTH, 0), from));
      const right = squeezed(text.text.slice(to, to + 2 * CONTEXT_LENGTH));
      return commonEnd(left, squeezed(before)) + commonStart(right, squeezed(after));
    },
  };
}

function everyPlaceOf(
  words: string,
  {
    within,
    spanAt,
    isWanted,
  }: { within: string; spanAt: (at: number) => Span; isWanted: (span: Span) => boolean },
): Span[] {
  const found: Span[] = [];
  if (words === "") return found;
  let at = within.indexOf(words);
  while (at !== -1 && found.length < MAX_PLACES) {
    const span = spanAt(at);
    if (isWanted(span)) found.push(span);
    at = within.indexOf(words, at + 1);
  }
  return found;
}

type Squeezed = { readonly characters: string; readonly at: Uint32Array };

/** A text without white space, and where in it each character was. */
function squeeze(text: string): Squeezed {
  const at = new Uint32Array(text.length);
  const parts: string[] = [];
  let length = 0;
  for (const { 0: part, index } of text.matchAll(/\S+/gu)) {
    parts.push(part);
    for (let offset = 0; offset < part.length; offset += 1) at[length + offset] = index + offset;
    length += part.length;
  }
  return { characters: parts.join(""), at };
}

function commonStart(one: string, other: string): number {
  let length = 0;
  while (length < one.length && length < other.length && one[length] === other[length]) length += 1;
  return length;
}

function commonEnd(one: string, other: string): number {
  let length = 0;
  while (
    length < one.length &&
    length < other.length &&
    one.at(-1 - length) === other.at(-1 - length)
  ) {
    length += 1;
  }
  return length;
}

/** What stands beside a span, in its own block. */
export function contextOf(text: AnchorText, { from, to }: Span): Context {
  const start = Math.max(lineAt(text, from)?.from ?? 0, from - CONTEXT_LENGTH);
  const end = Math.min(lineAt(text, to - 1)?.to ?? to, to + CONTEXT_LENGTH);
  // Half of a surrogate pair cannot be stored.
  return {
    before: text.text.slice(start, from).replace(/^[\uDC00-\uDFFF]/u, ""),
    after: text.text.slice(to, end).replace(/[\uD800-\uDBFF]$/u, ""),
  };
}
