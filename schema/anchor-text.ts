import * as Y from "yjs";
import { mentionText, storableText } from "./content-node.ts";
import { isBlockId } from "./document-attributes.ts";
import { FRAGMENT } from "./document-schema.ts";
import { elementNode } from "./yjs-content.ts";

/** From where to where in the words of a document, in UTF-16 units. */
export type Span = { readonly from: number; readonly to: number };

/** What stands in a line: characters, or a mention or line break, which is one thing. */
export type Piece = Span & { readonly type: Y.XmlText | Y.XmlElement };

/** A block with words of its own: a paragraph, also one in a cell or a list. */
export type Line = Span & {
  /** The id of the top-level block it is in. */
  readonly blockId: string | null;
  /** It is that block, not a part of it. */
  readonly isBlock: boolean;
};

/** The words of a document as one text, a line for each text block, and where in Yjs they are. */
export type AnchorText = {
  readonly text: string;
  readonly lines: readonly Line[];
  readonly pieces: readonly Piece[];
  /** Where the words of a text or element begin and end. */
  spanOf(type: unknown): Span | null;
};

const INLINE: ReadonlySet<string> = new Set(["mention", "hardBreak"]);

/** Reads the words of a document. Never throws on content and never changes it. */
export function readAnchorText(doc: Y.Doc): AnchorText {
  const reading = createReading();
  if (doc.share.has(FRAGMENT)) readFragment(reading, doc.getXmlFragment(FRAGMENT));
  const { spans, lines, pieces, words } = reading;
  return {
    // As long as before: one character for another.
    text: storableText(words.join("")),
    lines,
    pieces,
    spanOf: (type) => spans.get(type) ?? null,
  };
}

/** Walks without recursion: nesting may be deeper than the stack. */
function readFragment(reading: Reading, top: Y.XmlFragment): void {
  const waiting: (() => void)[] = [];
  const wait = (parent: Y.XmlFragment, block: Y.XmlElement | null): void => {
    const steps = (parent.toArray() as unknown[]).map((child) => () => {
      if (child instanceof Y.XmlText) reading.addInline(child, textOf(child), { parent, block });
      else if (child instanceof Y.XmlElement) enter(child, { parent, block: block ?? child });
    });
    for (const step of steps.toReversed()) waiting.push(step);
  };
  const enter = (element: Y.XmlElement, place: Place): void => {
    if (INLINE.has(element.nodeName)) {
      reading.addInline(element, inlineText(element), place);
      return;
    }
    waiting.push(reading.begin(element));
    wait(element, place.block);
  };
  wait(top, null);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) next();
}

type Reading = ReturnType<typeof createReading>;

type Place = { readonly parent: Y.XmlFragment; readonly block: Y.XmlElement | null };

function createReading() {
  const spans = new Map<unknown, Span>();
  const lines: Line[] = [];
  const pieces: Piece[] = [];
  const words: string[] = [];
  let length = 0;
  let line: { -readonly [K in keyof Line]: Line[K] } | null = null;
  const push = (text: string): void => {
    words.push(text);
    length += text.length;
  };
  return {
    spans,
    lines,
    pieces,
    words,
    addInline(type: Piece["type"], text: string, place: Place): void {
      if (line === null) {
        // Also before the first line, so that where an element begins can be told by what was there before it.
        push("\n");
        line = { from: length, to: length, ...blockOf(place) };
        lines.push(line);
      }
      const span = { from: length, to: length + text.length };
      spans.set(type, span);
      pieces.push({ ...span, type });
      push(text);
      line.to = length;
    },
    /** Begins an element that is a line of its own or has lines; the answer ends it. */
    begin(element: Y.XmlElement): () => void {
      line = null;
      const from = length;
      return () => {
        line = null;
        spans.set(element, { from: Math.min(from + 1, length), to: length });
      };
    },
  };
}

function blockOf({ parent, block }: Place): Pick<Line, "blockId" | "isBlock"> {
  const id: unknown = block?.getAttribute("id");
  return { blockId: isBlockId(id) ? id : null, isBlock: parent === block };
}

const inlineText = (element: Y.XmlElement): string =>
  element.nodeName === "hardBreak" ? "\n" : mentionText(elementNode(element));

/** The characters; one for each thing that is none, so that places in the text are places in Yjs. */
function textOf(text: Y.XmlText): string {
  const parts: string[] = [];
  for (let struct = text._start; struct !== null; struct = struct.right) {
    if (struct.deleted || !struct.countable) continue;
    const { content } = struct;
    parts.push(content instanceof Y.ContentString ? content.str : "\uFFFC".repeat(struct.length));
  }
  return parts.join("");
}

/** How many of those in order begin at or before a place. */
function indexAfter(sorted: readonly Span[], at: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as Span).from <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The last of those in order that begins at or before a place. */
export const lastAt = <T extends Span>(sorted: readonly T[], at: number): T | null =>
  sorted[indexAfter(sorted, at) - 1] ?? null;

/** The line that a place is in. */
export const lineAt = ({ lines }: AnchorText, at: number): Line | null => lastAt(lines, at);

/** The pieces that a span has characters of, in order. */
export function piecesIn({ pieces }: AnchorText, { from, to }: Span): Piece[] {
  const found: Piece[] = [];
  let low = indexAfter(pieces, from);
  if (low > 0) low -= 1;
  for (
    let piece = pieces[low];
    piece !== undefined && piece.from < to;
    piece = pieces[(low += 1)]
  ) {
    if (piece.to > from && piece.to > piece.from) found.push(piece);
  }
  return found;
}

/** With all of a mention that it has a part of. */
export function withWholePieces(text: AnchorText, { from, to }: Span): Span {
  const isWhole = ({ type }: Piece): boolean => !(type instanceof Y.XmlText);
  const pieces = piecesIn(text, { from, to }).filter(isWhole);
  const [first, last] = [pieces[0], pieces.at(-1)];
  return { from: Math.min(from, first?.from ?? from), to: Math.max(to, last?.to ?? to) };
}

/** Without white space at its ends; null when nothing else is in it. */
export function trimmed({ text }: AnchorText, { from, to }: Span): Span | null {
  const words = text.slice(from, to);
  const start = from + words.length - words.trimStart().length;
  const end = from + words.trimEnd().length;
  return start < end ? { from: start, to: end } : null;
}
