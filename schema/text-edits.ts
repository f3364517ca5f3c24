import type * as Y from "yjs";

import { createNumbers } from "./content-units.ts";
import { matchEqual } from "./matching.ts";

/** Words, spaces and single other characters: what a person changes as one. */
const TOKENS = /[\p{L}\p{M}\p{N}]+|\s+|[^]/gu;

/**
 * Makes a Yjs text say something else by replacing only the words that differ, so that what others write between
 * them stays where it belongs (FIELD-NOTES 22). Formats of what is new follow its left neighbour.
 */
export function replaceWords(text: Y.Text, wanted: string): void {
  // toJSON is the plain text; the type checker takes toString for Object's.
  const current = text.toJSON();
  if (current === wanted) return;
  for (const { at, remove, insert } of wordEdits(current, wanted).toReversed()) {
    if (remove > 0) text.delete(at, remove);
    if (insert !== "") text.insert(at, insert);
  }
}

/** At this place of the old text, remove so many characters and insert these. */
type TextEdit = { readonly at: number; readonly remove: number; readonly insert: string };

/** What turns one text into the other, from left to right; places are the old text's. */
function wordEdits(before: string, after: string): TextEdit[] {
  const numbers = createNumbers();
  const old = before.match(TOKENS) ?? [];
  const fresh = after.match(TOKENS) ?? [];
  const matches = matchEqual(old.map(numbers), fresh.map(numbers));
  const edits: TextEdit[] = [];
  let [i, j, at] = [0, 0, 0];
  for (const [nextOld, nextFresh] of [...matches, [old.length, fresh.length] as const]) {
    const remove = old.slice(i, nextOld).reduce((sum, token) => sum + token.length, 0);
    const insert = fresh.slice(j, nextFresh).join("");
    if (remove > 0 || insert !== "") edits.push({ at, remove, insert });
    at += remove + (old[nextOld]?.length ?? 0);
    [i, j] = [nextOld + 1, nextFresh + 1];
  }
  return edits;
}
