import * as Y from "yjs";
import { type AnchorText, lastAt, type Span } from "./anchor-text.ts";
import { FRAGMENT } from "./document-schema.ts";

/** Characters of an encoded position at most. */
const MAX_LENGTH = 400;
const BASE64URL = /^[\w-]+$/u;

/** A relative position of Yjs as base64url. */
function encodePosition(position: Y.RelativePosition): string {
  const bytes = Y.encodeRelativePosition(position);
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The other way; null for anything that is no position. */
export function decodePosition(encoded: unknown): Y.RelativePosition | null {
  if (typeof encoded !== "string" || encoded.length > MAX_LENGTH) return null;
  if (!BASE64URL.test(encoded)) return null;
  try {
    const binary = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
    return Y.decodeRelativePosition(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
  } catch {
    return null;
  }
}

/** Where the first and the last character of a span are; both stay on their characters, whatever is typed beside. */
export function positionsOf(text: AnchorText, { from, to }: Span): { start: string; end: string } {
  return { start: positionAt(text, from, 0), end: positionAt(text, to - 1, -1) };
}

function positionAt({ pieces }: AnchorText, at: number, assoc: 0 | -1): string {
  const piece = lastAt(pieces, at);
  // A span ends and begins on characters, so there is a piece.
  if (piece === null) return "";
  const { type, from } = piece;
  const after = assoc === 0 ? 0 : 1;
  const [parent, index] =
    type instanceof Y.XmlText
      ? [type, at - from]
      : [type.parent as Y.XmlFragment, (type.parent as Y.XmlFragment).toArray().indexOf(type)];
  return encodePosition(
    Y.createRelativePositionFromTypeIndex(parent as never, index + after, assoc),
  );
}

/** Where in the words a position is now; null when what it stood in is gone. `side`: which end of a span it is. */
export function placeOf(
  doc: Y.Doc,
  { text, position, side }: { text: AnchorText; position: unknown; side: "start" | "end" },
): number | null {
  const decoded = typeof position === "string" ? decodePosition(position) : null;
  // Yjs would make the root that a position names.
  if (decoded === null || (decoded.tname !== null && decoded.tname !== FRAGMENT)) return null;
  const absolute = absoluteOf(doc, decoded);
  if (absolute === null) return null;
  const { type, index } = absolute;
  if (type instanceof Y.XmlText) {
    const span = text.spanOf(type);
    return span === null ? null : Math.min(span.from + index, span.to);
  }
  if (!(type instanceof Y.XmlFragment)) return null;
  const children = type.toArray() as unknown[];
  const [left, right] = [text.spanOf(children[index - 1]), text.spanOf(children[index])];
  return side === "start" ? (right?.from ?? left?.to ?? null) : (left?.to ?? right?.from ?? null);
}

function absoluteOf(doc: Y.Doc, position: Y.RelativePosition): Y.AbsolutePosition | null {
  if (!doc.share.has(FRAGMENT)) return null;
  try {
    return Y.createAbsolutePositionFromRelativePosition(position, doc);
  } catch {
    // It comes from outside and may name anything, also a place between structs of this document.
    return null;
  }
}
