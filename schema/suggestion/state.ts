import { equalityDeep } from "lib0/function";
import * as Y from "yjs";

import { contentKey } from "../content-key.ts";
import { assertNever } from "../errors.ts";
import type { Run } from "../formatted-text.ts";
import { isFormat } from "./hunk.ts";
import type {
  AttributesPart,
  Hunk,
  HunkPart,
  NodesPart,
  PartSide,
  StructId,
  StructRange,
  TextPart,
} from "./hunk.ts";
import {
  between,
  describeBlock,
  holds,
  isGone,
  itemsBetween,
  nodeAt,
  parentAt,
  type Piece,
  piecesOf,
  textAt,
} from "./place.ts";
import { nodeToContent } from "../yjs-content.ts";

/** How a hunk stands to the text of now, from the best to the worst [S2]. */
export const HUNK_STATES = ["clean", "rebased", "conflict", "orphaned"] as const;
export type HunkState = (typeof HUNK_STATES)[number];

/** `theirs`: for each part, what stands there now; empty unless it is a conflict. */
export type HunkStanding = { readonly state: HunkState; readonly theirs: readonly PartSide[] };

/** `touched`: others wrote beside it. */
type Verdict = "untouched" | "touched" | "conflict" | "orphaned";

/** Judges hunks against one state of a document. It knows nothing of later edits. */
export type HunkJudge = (hunk: Pick<Hunk, "parts" | "block">) => HunkStanding;

/**
 * How hunks stand in a document as it is now [S2], none of which is in it yet.
 *
 * - `orphaned`: what a hunk changes, or what an insertion stands between, is gone.
 * - `conflict`: others rewrote, formatted or wrote into the very words or nodes that it changes, or removed one of an
 *   insertion's neighbours. Also where they wrote the same as it does.
 * - `rebased`: others wrote elsewhere in its block, or beside it.
 * - `clean`: its block is as it was.
 */
export function createHunkJudge(doc: Y.Doc): HunkJudge {
  const blocks = new Map<string, string>();
  const isAsItWas = ({ block }: Pick<Hunk, "block">): boolean => {
    if (block === null) return true;
    const key = block.id.join();
    const node = nodeAt(doc, block.id);
    const hash = blocks.get(key) ?? (node === null ? "" : describeBlock(node).hash);
    blocks.set(key, hash);
    return hash === block.hash;
  };
  return (hunk) => {
    const verdicts = hunk.parts.map((part) => judgePart(doc, part));
    if (verdicts.includes("orphaned")) return { state: "orphaned", theirs: [] };
    if (verdicts.includes("conflict")) {
      return { state: "conflict", theirs: hunk.parts.map((part) => theirsAt(doc, part)) };
    }
    const isClean = !verdicts.includes("touched") && isAsItWas(hunk);
    return { state: isClean ? "clean" : "rebased", theirs: [] };
  };
}

function judgePart(doc: Y.Doc, part: HunkPart): Verdict {
  switch (part.kind) {
    case "text":
      return judgeText(doc, part);
    case "nodes":
      return judgeNodes(doc, part);
    case "attributes":
      return judgeAttributes(doc, part);
    default:
      return assertNever(part);
  }
}

function judgeText(doc: Y.Doc, part: TextPart): Verdict {
  const text = textAt(doc, part.text);
  if (text === null) return "orphaned";
  const pieces = piecesOf(text);
  const now = between(pieces, part).filter(({ isLive }) => isLive);
  const own = now.filter((piece) => isIn(part.base, piece));
  if (part.base.length === 0) return judgeInsertion(doc, part, { pieces, now });
  if (now.length === 0) return "orphaned";
  const isWhole = lengthOf(own) === part.base.reduce((sum, [, , length]) => sum + length, 0);
  if (!isWhole || !equalityDeep(runsOf(own), normal(part.before))) return "conflict";
  if (own.length === now.length) return "untouched";
  const [first, last] = [now.indexOf(own[0] as Piece), now.lastIndexOf(own.at(-1) as Piece)];
  const inside = now.slice(first, last + 1);
  if (inside.length > own.length && !isFormat(part)) return "conflict";
  return isGlued(textOf(now.slice(0, first)), textOf(own)) ||
    isGlued(textOf(own), textOf(now.slice(last + 1)))
    ? "conflict"
    : "touched";
}

/** Words put in where others wrote on the word beside it would come to stand within theirs. */
function judgeInsertion(
  doc: Y.Doc,
  part: TextPart,
  { pieces, now }: { readonly pieces: readonly Piece[]; readonly now: readonly Piece[] },
): Verdict {
  const verdict = judgeNeighbours(doc, part);
  if (verdict !== "untouched" || now.length === 0) return verdict;
  const [left, right] = [part.left, part.right].map((id) => characterAt(pieces, id));
  const theirs = textOf(now);
  return isGlued(left ?? "", theirs) || isGlued(theirs, right ?? "") ? "conflict" : "touched";
}

/** The character there; nothing where there is none. */
function characterAt(pieces: readonly Piece[], id: StructId | null): string {
  const piece = pieces.find(({ range }) => id !== null && holds(range, id));
  return piece?.text.charAt((id?.[1] ?? 0) - piece.range[1]) ?? "";
}

const WORD = /[\p{L}\p{M}\p{N}_]/u;

/** True when two texts side by side make one word: whoever typed there wrote on that word. */
const isGlued = (left: string, right: string): boolean =>
  WORD.test(Array.from(left).at(-1) ?? "") && WORD.test(Array.from(right)[0] ?? "");

/** Of what is put in between two others: they are its place. */
function judgeNeighbours(
  doc: Y.Doc,
  { left, right }: { readonly left: StructId | null; readonly right: StructId | null },
): Verdict {
  const sides = [left, right].filter((id) => id !== null);
  const gone = sides.filter((id) => isGone(doc, id));
  if (gone.length === 0) return "untouched";
  return gone.length === sides.length ? "orphaned" : "conflict";
}

function judgeNodes(doc: Y.Doc, part: NodesPart): Verdict {
  const parent = parentAt(doc, part.parent);
  if (parent === null) return "orphaned";
  if (part.removed.length === 0) {
    const verdict = judgeNeighbours(doc, part);
    if (verdict === "orphaned") return verdict;
    // Between blocks one neighbour is place enough: nothing that is put in there is understood from the other.
    const isBeside = verdict === "conflict" || itemsBetween(doc, parent, part).some(isLive);
    return isBeside ? "touched" : "untouched";
  }
  const now = part.removed.map(({ id }) => nodeAt(doc, id));
  if (now.every((node) => node === null)) return "orphaned";
  const isAsItWas = part.removed.every(({ content }, index) => {
    const node = now[index] ?? null;
    return node !== null && contentKey(nodeToContent(node)) === contentKey(content);
  });
  if (!isAsItWas) return "conflict";
  const live = itemsBetween(doc, parent, part).filter(isLive);
  return live.length > part.removed.length ? "touched" : "untouched";
}

const isLive = ({ deleted, countable }: Y.Item): boolean => !deleted && countable;

function judgeAttributes(doc: Y.Doc, part: AttributesPart): Verdict {
  const node = nodeAt(doc, part.node);
  if (!(node instanceof Y.XmlElement)) return "orphaned";
  return equalityDeep(attributesAt(node, part), part.before) ? "untouched" : "conflict";
}

function attributesAt(node: Y.XmlElement, { before }: AttributesPart): Record<string, unknown> {
  const now: Record<string, unknown> = node.getAttributes();
  return Object.fromEntries(Object.keys(before).map((name) => [name, now[name] ?? null]));
}

function theirsAt(doc: Y.Doc, part: HunkPart): PartSide {
  switch (part.kind) {
    case "text": {
      const text = textAt(doc, part.text);
      const pieces = text === null ? [] : between(piecesOf(text), part);
      return { kind: "text", runs: runsOf(pieces.filter((piece) => piece.isLive)) };
    }
    case "nodes": {
      const nodes = part.removed.map(({ id }) => nodeAt(doc, id)).filter((node) => node !== null);
      return { kind: "nodes", nodes: nodes.flatMap(nodeToContent) };
    }
    case "attributes": {
      const node = nodeAt(doc, part.node);
      const attributes = node instanceof Y.XmlElement ? attributesAt(node, part) : {};
      return { kind: "attributes", attributes };
    }
    default:
      return assertNever(part);
  }
}

const isIn = (base: readonly StructRange[], { range: [client, clock] }: Piece): boolean =>
  base.some((range) => holds(range, [client, clock]));

const lengthOf = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { range }) => sum + range[2], 0);

const textOf = (pieces: readonly Piece[]): string => pieces.map(({ text }) => text).join("");

const runsOf = (pieces: readonly Piece[]): Run[] =>
  normal(pieces.map(({ text, attributes }) => ({ insert: text, attributes })));

/** Neighbours with the same formats as one, no formats as none. */
function normal(runs: readonly Run[]): Run[] {
  const found: { insert: string; attributes: Readonly<Record<string, unknown>> }[] = [];
  for (const { insert, attributes = {} } of runs) {
    const last = found.at(-1);
    if (last !== undefined && equalityDeep(last.attributes, attributes)) last.insert += insert;
    else if (insert !== "") found.push({ insert, attributes });
  }
  return found.map(({ insert, attributes }) =>
    Object.keys(attributes).length === 0 ? { insert } : { insert, attributes },
  );
}
