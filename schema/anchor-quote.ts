import { squeezed } from "./anchor-similarity.ts";
import { type AnchorText, lineAt, type Span } from "./anchor-text.ts";

/** Characters of the same block that an anchor keeps from either side of its quote. */
const CONTEXT_LENGTH = 32;

/** Places of one quote that are looked at: with more, the words alone say nothing. */
const MAX_PLACES = 2000;

/** The words of a document, ready to be searched. */
export type QuoteIndex = {
  readonly text: AnchorText;
  /** Every place of these words, as they stand; where there is none, those that differ in white space only. */
  places(quote: string): Span[];
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
    places(quote) {
      const exact = everyIndexOf(text.text, quote).map((from) => ({
        from,
        to: from + quote.length,
      }));
      if (exact.length > 0) return exact;
      const wanted = squeezed(quote);
      made ??= squeeze(text.text);
      const { characters, at } = made;
      return everyIndexOf(characters, wanted).map((from) => ({
        from: at[from] ?? 0,
        to: (at[from + wanted.length - 1] ?? 0) + 1,
      }));
    },
    contextAt({ from, to }, { before, after }) {
      // Twice as much, since white space is not counted.
      const left = squeezed(text.text.slice(Math.max(from - 2 * CONTEXT_LENGTH, 0), from));
      const right = squeezed(text.text.slice(to, to + 2 * CONTEXT_LENGTH));
      return commonEnd(left, squeezed(before)) + commonStart(right, squeezed(after));
    },
  };
}

function everyIndexOf(text: string, wanted: string): number[] {
  const found: number[] = [];
  if (wanted === "") return found;
  let at = text.indexOf(wanted);
  while (at !== -1 && found.length < MAX_PLACES) {
    found.push(at);
    at = text.indexOf(wanted, at + 1);
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
