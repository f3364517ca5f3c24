import * as Y from "yjs";
import { decodePosition, placeOf, positionsOf } from "./anchor-positions.ts";
import { contextOf, createQuoteIndex, type QuoteIndex } from "./anchor-quote.ts";
import { findAnchored } from "./anchor-search.ts";
import { squeezed } from "./anchor-similarity.ts";
import {
  lineAt,
  piecesIn,
  readAnchorText,
  type Span,
  trimmed,
  withWholePieces,
} from "./anchor-text.ts";
import { ScriptoriumError } from "./errors.ts";

/** What of a text a thread is about, so that it is found again whatever happens to the text [DESIGN 7]. */
export type Anchor = {
  /** Relative positions of Yjs, base64url: on the first character, and on the last. */
  readonly start: string;
  readonly end: string;
  /** The words it was made on, 1,000 characters at most; `\n` between blocks, mentions as `@label`. */
  readonly quote: string;
  /** What stood beside them in the same block, 32 characters at most. */
  readonly before: string;
  readonly after: string;
  /** The id of the top-level block in which they begin. */
  readonly blockId: string | null;
};

/** Characters of a quote at most. */
const MAX_QUOTE_LENGTH = 1000;

/** Where the words of an anchor are now. */
export type AnchoredRange = {
  /** The id of the top-level block it is in. */
  readonly blockId: string | null;
  /** The Yjs text, and from where to where in it, in UTF-16 units. */
  readonly text: Y.XmlText;
  readonly from: number;
  readonly to: number;
};

/** An anchor that was found: one range for each Yjs text that its words are in, in order; and the words. */
export type ResolvedAnchor = { readonly ranges: readonly AnchoredRange[]; readonly text: string };

/** One of the places that a quote could mean. */
export type QuoteCandidate = {
  readonly sectionId: string | null;
  readonly before: string;
  readonly quote: string;
  readonly after: string;
};

/** Finds anchors in one state of a document. */
export type AnchorResolver = {
  /** Where the anchor's words are; null: nowhere that is sure, so its thread is detached. Never throws. */
  resolve(anchor: Anchor): ResolvedAnchor | null;
};

/** Reads the words of a document once, for many anchors. It knows nothing of later edits. */
export function createAnchorResolver(doc: Y.Doc): AnchorResolver {
  const index = createQuoteIndex(readAnchorText(doc));
  return {
    resolve(anchor) {
      const { quote } = anchor;
      if (typeof quote !== "string" || quote.length > MAX_QUOTE_LENGTH) return null;
      if (squeezed(quote) === "") return null;
      const span = findAnchored(index, anchor, spanBetween(doc, index, anchor));
      return span === null ? null : resolvedAt(index, span);
    },
  };
}

/** Where an anchor's words are now; null when they cannot be found for sure. For many: `createAnchorResolver`. */
export const resolveAnchor = (doc: Y.Doc, anchor: Anchor): ResolvedAnchor | null =>
  createAnchorResolver(doc).resolve(anchor);

/**
 * Makes an anchor on the words between two relative positions (base64url, see `encodePosition`). White space at its
 * ends is left out.
 * @throws ScriptoriumError `bad_request` for what is no position, no words or too many; `anchor_not_found` where the
 * positions are not in this document.
 */
export function createAnchor(
  doc: Y.Doc,
  range: { readonly start: string; readonly end: string },
): Anchor {
  if (decodePosition(range.start) === null || decodePosition(range.end) === null) {
    throw new ScriptoriumError("bad_request", "Not a position of Yjs, as base64url");
  }
  const index = createQuoteIndex(readAnchorText(doc));
  const [from, to] = edgesOf(doc, index, range);
  if (from === null || to === null) {
    throw new ScriptoriumError("anchor_not_found", "These positions are not in the text");
  }
  const span = trimmed(index.text, { from, to });
  if (span === null) {
    throw new ScriptoriumError("bad_request", "No words are between the positions");
  }
  return anchorAt(index, span);
}

/**
 * Makes an anchor on the words of a quote, which may differ in white space. `before` and `after` (what stands beside
 * it) and `sectionId` (the id of the top-level block in which it begins) choose between equal ones; where several are
 * left, the first 20 are answered.
 * @throws ScriptoriumError `anchor_not_found`; `bad_request` for no words or too many.
 */
export function anchorByQuote(
  doc: Y.Doc,
  wanted: {
    readonly quote: string;
    readonly before?: string | undefined;
    readonly after?: string | undefined;
    readonly sectionId?: string | undefined;
  },
): { anchor: Anchor } | { candidates: QuoteCandidate[] } {
  const { before = "", after = "", sectionId } = wanted;
  const quote = checkedLength(wanted.quote.trim());
  if (quote === "") throw new ScriptoriumError("bad_request", "The quote has no words");
  const index = createQuoteIndex(readAnchorText(doc));
  const { text } = index;
  const found = index.places(
    quote,
    (span) =>
      (sectionId === undefined || lineAt(text, span.from)?.blockId === sectionId) &&
      squeezed(text.text.slice(0, span.from).slice(-4 * before.length - 64)).endsWith(
        squeezed(before),
      ) &&
      squeezed(text.text.slice(span.to, span.to + 4 * after.length + 64)).startsWith(
        squeezed(after),
      ),
  );
  const [first, second] = found;
  if (first === undefined) {
    throw new ScriptoriumError("anchor_not_found", "The quote is not in the text");
  }
  if (second === undefined) return { anchor: anchorAt(index, first) };
  return { candidates: found.slice(0, MAX_CANDIDATES).map((span) => candidateAt(index, span)) };
}

const MAX_CANDIDATES = 20;

function candidateAt({ text }: QuoteIndex, span: Span): QuoteCandidate {
  const { before, after } = contextOf(text, span);
  const sectionId = lineAt(text, span.from)?.blockId ?? null;
  return { sectionId, before, quote: text.text.slice(span.from, span.to), after };
}

function anchorAt(index: QuoteIndex, words: Span): Anchor {
  const span = withWholePieces(index.text, words);
  const { sectionId: blockId, quote, before, after } = candidateAt(index, span);
  checkedLength(quote);
  return { ...positionsOf(index.text, span), quote: quote.toWellFormed(), before, after, blockId };
}

function checkedLength(quote: string): string {
  if (quote.length <= MAX_QUOTE_LENGTH) return quote;
  throw new ScriptoriumError("bad_request", `A quote has at most ${MAX_QUOTE_LENGTH} characters`);
}

type Edges = { readonly start: unknown; readonly end: unknown };

function edgesOf(doc: Y.Doc, { text }: QuoteIndex, { start, end }: Edges) {
  return [
    placeOf(doc, { text, position: start, side: "start" }),
    placeOf(doc, { text, position: end, side: "end" }),
  ] as const;
}

function spanBetween(doc: Y.Doc, index: QuoteIndex, anchor: Edges): Span | null {
  const [from, to] = edgesOf(doc, index, anchor);
  return from === null || to === null ? null : trimmed(index.text, { from, to });
}

function resolvedAt({ text }: QuoteIndex, { from, to }: Span): ResolvedAnchor {
  const ranges = piecesIn(text, { from, to }).flatMap(({ type, ...piece }): AnchoredRange[] => {
    if (!(type instanceof Y.XmlText)) return [];
    const start = Math.max(from, piece.from) - piece.from;
    const end = Math.min(to, piece.to) - piece.from;
    const blockId = lineAt(text, piece.from)?.blockId ?? null;
    return [{ blockId, text: type, from: start, to: end }];
  });
  return { ranges, text: text.text.slice(from, to) };
}
