import type * as Y from "yjs";

import { wordEdits } from "./word-edits.ts";

/** Edits of one text beyond which all of it is written anew: each may cost as much as the document is long. */
export const MAX_TEXT_EDITS = 1000;

/**
 * Makes a Yjs text without formats say something else by replacing only the words that differ, so that what others
 * write between them stays where it belongs (FIELD-NOTES 22). Where too much differs all of it is replaced.
 */
export function replaceWords(text: Y.Text, wanted: string): void {
  // toJSON is the plain text; the type checker takes toString for Object's.
  const current = text.toJSON();
  if (current === wanted) return;
  const edits = wordEdits(current, wanted);
  // What is not text has a length and no characters: the places of words could not be told.
  if (edits.length > MAX_TEXT_EDITS || current.length !== text.length) {
    text.delete(0, text.length);
    text.insert(0, wanted);
    return;
  }
  let at = 0;
  // All in one walk: each edit of its own would look for its place.
  const delta = edits.flatMap(({ insert, remove, retain }) => {
    const inserted = wanted.slice(at, at + insert);
    at += insert + retain;
    return [
      ...(insert > 0 ? [{ insert: inserted }] : []),
      ...(remove > 0 ? [{ delete: remove }] : []),
      ...(retain > 0 ? [{ retain }] : []),
    ];
  });
  text.applyDelta(delta);
}
