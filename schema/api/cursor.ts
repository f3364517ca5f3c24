import { ScriptoriumError } from "../errors.ts";
import { isUuid } from "../ids.ts";

/** The last entry of a page: the value it was ordered by, as PostgreSQL writes it, and its id. */
export type Position = { readonly value: string; readonly id: string };

/** A position as text that callers hand back unread. `order` is kept in it: a cursor of another order is refused. */
export function encodeCursor(order: string, { value, id }: Position): string {
  const bytes = new TextEncoder().encode(JSON.stringify([order, value, id]));
  return btoa(String.fromCodePoint(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** @throws ScriptoriumError `bad_request` for anything that `encodeCursor` did not make for this order. */
export function decodeCursor(order: string, cursor: string): Position {
  const position = read(cursor);
  if (position === null || position[0] !== order) {
    throw new ScriptoriumError("bad_request", "The cursor is not one of this list in this order");
  }
  return { value: position[1], id: position[2] };
}

function read(cursor: string): [string, string, string] | null {
  try {
    const text = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (character) => character.codePointAt(0) ?? 0);
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!Array.isArray(parsed) || parsed.length !== 3) return null;
    const [order, value, id] = parsed as unknown[];
    if (typeof order !== "string" || typeof value !== "string" || typeof id !== "string") {
      return null;
    }
    // PostgreSQL knows no NUL.
    return isUuid(id) && !value.includes("\0") ? [order, value, id] : null;
  } catch {
    return null;
  }
}
