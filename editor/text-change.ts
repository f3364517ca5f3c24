import type * as Y from "yjs";

/** One replacement that leads from one text to another, in UTF-16 units. */
export type TextChange = {
  readonly index: number;
  readonly deleted: number;
  readonly inserted: string;
};

/**
 * What was done to `before` so that it became `after`; null when nothing was. `caret`: where it stands in `after`.
 * It tells which of several equal letters was typed, so that others' letters stay where they are.
 */
export function textChange(before: string, after: string, caret: number): TextChange | null {
  if (before === after) return null;
  const shorter = Math.min(before.length, after.length);
  const most = Math.min(shorter, after.length - caret);
  let suffix = 0;
  while (suffix < most && before.at(-1 - suffix) === after.at(-1 - suffix)) suffix += 1;
  if (cutsPair(after, after.length - suffix) || cutsPair(before, before.length - suffix)) {
    suffix -= 1;
  }
  let prefix = 0;
  while (prefix < shorter - suffix && before[prefix] === after[prefix]) prefix += 1;
  if (cutsPair(after, prefix) || cutsPair(before, prefix)) prefix -= 1;
  return {
    index: prefix,
    deleted: before.length - suffix - prefix,
    inserted: after.slice(prefix, after.length - suffix),
  };
}

/** True between the halves of a surrogate pair: half a character in Yjs would become U+FFFD for the others. */
function cutsPair(text: string, index: number): boolean {
  const before = text.charCodeAt(index - 1);
  const after = text.charCodeAt(index);
  return before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff;
}

/** Where a position of the text is after somebody else's change, given as a Yjs delta. */
export function movedBy(
  delta: readonly Y.YEvent<Y.Text>["delta"][number][],
  position: number,
): number {
  let index = 0;
  let moved = position;
  for (const { retain, insert, delete: deleted } of delta) {
    if (index >= moved) return moved;
    if (retain !== undefined) index += retain;
    else if (typeof insert === "string") {
      index += insert.length;
      moved += insert.length;
    } else if (deleted !== undefined) moved -= Math.min(deleted, moved - index);
  }
  return moved;
}
