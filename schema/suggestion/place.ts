import * as Y from "yjs";

import { contentHash } from "../content-key.ts";
import { DIAGRAM, FRAGMENT } from "../document-schema.ts";
import { nodeToContent } from "../yjs-content.ts";
import type { HunkBlock, StructId, StructRange } from "./hunk.ts";

/** A node of the document, or a text in one. */
export type YNode = Y.XmlElement | Y.XmlText;

/** The struct at this place; null where it was collected with the node it was in, or never came. */
function itemAt(doc: Y.Doc, [client, clock]: StructId): Y.Item | null {
  const structs = doc.store.clients.get(client);
  if (structs === undefined || clock >= Y.getState(doc.store, client)) return null;
  const struct = structs[Y.findIndexSS(structs, clock)];
  return struct instanceof Y.Item ? struct : null;
}

/** The node or text that this struct is; null when it is not in the document any more. */
export function nodeAt(doc: Y.Doc, id: StructId): YNode | null {
  const item = itemAt(doc, id);
  if (item === null || item.deleted || !(item.content instanceof Y.ContentType)) return null;
  const { type } = item.content;
  return type instanceof Y.XmlText || type instanceof Y.XmlElement ? type : null;
}

/** The text that this struct is, or the source of the diagram; null when it is not in the document any more. */
export function textAt(doc: Y.Doc, id: StructId | null): Y.Text | null {
  if (id === null) return doc.getText(DIAGRAM);
  const node = nodeAt(doc, id);
  return node instanceof Y.XmlText ? node : null;
}

/** True for what was deleted, or collected. */
export function isGone(doc: Y.Doc, id: StructId): boolean {
  return itemAt(doc, id)?.deleted ?? true;
}

/** Where in the log a node was made. */
export const idOf = (node: YNode): StructId => {
  const { client, clock } = (node._item as Y.Item).id;
  return [client, clock];
};

/** Names a block and what it says now, so that a later look sees whether it is the same. */
export const describeBlock = (block: YNode): HunkBlock => ({
  id: idOf(block),
  hash: contentHash(nodeToContent(block)),
});

/** Characters of one client, live or deleted, with the formats that hold there. */
export type Piece = {
  readonly range: StructRange;
  readonly isLive: boolean;
  /** Empty for what is deleted: its characters are collected. */
  readonly text: string;
  readonly attributes: Readonly<Record<string, unknown>>;
};

/** Everything countable in a text, in its order, deleted characters too. */
export function piecesOf(text: Y.Text): Piece[] {
  const pieces: Piece[] = [];
  const formats = new Map<string, unknown>();
  for (let item = text._start; item !== null; item = item.right) {
    const { content, deleted } = item;
    if (content instanceof Y.ContentFormat) {
      if (!deleted) setFormat(formats, content);
      continue;
    }
    pieces.push({
      range: [item.id.client, item.id.clock, item.length],
      isLive: !deleted && item.countable,
      text: !deleted && content instanceof Y.ContentString ? content.str : "",
      attributes: Object.fromEntries(formats),
    });
  }
  return pieces;
}

function setFormat(formats: Map<string, unknown>, { key, value }: Y.ContentFormat): void {
  if (value === null) formats.delete(key);
  else formats.set(key, value);
}

/** True when this character is one of the range. */
export const holds = ([client, clock, length]: StructRange, [ofClient, at]: StructId): boolean =>
  client === ofClient && at >= clock && at < clock + length;

/** Characters of a piece, from one place in it to another. */
function cutPiece({ range, text, ...piece }: Piece, from: number, to: number): Piece {
  const [client, clock] = range;
  return { ...piece, range: [client, clock + from, to - from], text: text.slice(from, to) };
}

/** What stands between two characters of a text now; null: from its start, to its end. */
export function between(
  pieces: readonly Piece[],
  { left, right }: { readonly left: StructId | null; readonly right: StructId | null },
): Piece[] {
  const found: Piece[] = [];
  let isInside = left === null;
  for (const piece of pieces) {
    const [, clock, length] = piece.range;
    let from = 0;
    if (!isInside && left !== null) {
      if (!holds(piece.range, left)) continue;
      isInside = true;
      from = left[1] - clock + 1;
    }
    const ends = right !== null && holds(piece.range, right);
    const to = ends ? right[1] - clock : length;
    if (from < to) found.push(cutPiece(piece, from, to));
    if (ends) break;
  }
  return found;
}

/** How many live characters stand before a struct's place, up to and with it. */
export function lengthThrough(pieces: readonly Piece[], left: StructId | null): number {
  if (left === null) return 0;
  let length = 0;
  for (const piece of pieces) {
    const [, clock, count] = piece.range;
    const isLast = holds(piece.range, left);
    if (piece.isLive) length += isLast ? left[1] - clock + 1 : count;
    if (isLast) break;
  }
  return length;
}

/** The live characters from one place of a text to another, as ranges; and those beside them. */
export function rangesAt(
  pieces: readonly Piece[],
  { from, to }: { readonly from: number; readonly to: number },
): { left: StructId | null; right: StructId | null; base: StructRange[] } {
  let [at, left, right] = [0, null as StructId | null, null as StructId | null];
  const base: StructRange[] = [];
  for (const { range, isLive } of pieces) {
    if (!isLive) continue;
    const [client, clock, length] = range;
    const end = at + length;
    if (from > at && from <= end) left = [client, clock + (from - at) - 1];
    const [start, stop] = [Math.max(from, at), Math.min(to, end)];
    if (start < stop) base.push([client, clock + (start - at), stop - start]);
    if (to >= at && to < end) right = [client, clock + (to - at)];
    at = end;
  }
  return { left, right, base };
}

/** The parent of a part, null when it is gone. */
export const parentAt = (doc: Y.Doc, parent: StructId | null): Y.XmlFragment | null => {
  if (parent === null) return doc.getXmlFragment(FRAGMENT);
  const node = nodeAt(doc, parent);
  return node instanceof Y.XmlElement ? node : null;
};

/** What stands between two children of a parent now, deleted or not; null: from its start, to its end. */
export function itemsBetween(
  doc: Y.Doc,
  parent: Y.XmlFragment,
  { left, right }: { readonly left: StructId | null; readonly right: StructId | null },
): Y.Item[] {
  const found: Y.Item[] = [];
  const end = right === null ? null : itemAt(doc, right);
  let item =
    left === null
      ? (parent as { _start: Y.Item | null })._start
      : (itemAt(doc, left)?.right ?? null);
  for (; item !== null && item !== end; item = item.right) found.push(item);
  return found;
}

/** The last node that is still there, up to this place. */
export function lastLive(doc: Y.Doc, parent: Y.XmlFragment, left: StructId): YNode | null {
  let item = itemAt(doc, left);
  while (item !== null && (item.deleted || !(item.content instanceof Y.ContentType))) {
    item = item.left;
  }
  const node = item === null ? null : (item.content as Y.ContentType).type;
  return (parent.toArray() as unknown[]).includes(node) ? (node as unknown as YNode) : null;
}
