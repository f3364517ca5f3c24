import type * as Y from "yjs";

import { MAX_TEXT_EDITS } from "./text-edits.ts";
import { wordEdits } from "./word-edits.ts";
import { attributeChanges } from "./yjs-attributes.ts";

type Attributes = Readonly<Record<string, unknown>>;

/** Characters of a text that have the same formats. */
export type Run = { readonly insert: string; readonly attributes?: Attributes };

/** A step of a delta of Yjs. */
export type Step =
  | { readonly retain: number; readonly attributes?: Attributes }
  | { readonly insert: string; readonly attributes: Attributes }
  | { readonly delete: number };

/**
 * Makes a text what another is, formats too, by changing only the words and formats that differ, so that what others
 * write between them stays where it belongs (FIELD-NOTES 22). Where too much differs all characters are replaced.
 * Neither text may have embeds.
 */
export function replaceText(text: Y.XmlText, wanted: Y.XmlText): void {
  const [before, after] = [text.toDelta() as Run[], wanted.toDelta() as Run[]];
  const steps = stepsBetween(before, after);
  const edits = steps.filter((step) => !("retain" in step) || step.attributes !== undefined);
  if (edits.length === 0) return;
  if (edits.length > MAX_TEXT_EDITS) {
    text.delete(0, text.length);
    text.applyDelta(after);
  } else text.applyDelta(steps);
}

/** What turns one text into another: only the words and formats that differ are not retained as they are. */
export function stepsBetween(before: readonly Run[], after: readonly Run[]): Step[] {
  const [readBefore, readAfter] = [createReader(before), createReader(after)];
  const steps: Step[] = [];
  for (const { retain, remove, insert } of wordEdits(textOf(before), textOf(after))) {
    // Before what is deleted: so it follows its left neighbour.
    for (const run of readAfter(insert)) {
      steps.push({ insert: run.insert, attributes: run.attributes ?? {} });
    }
    if (remove > 0) steps.push({ delete: remove });
    readBefore(remove);
    const formats = readBefore(retain);
    const readFormats = createReader(formats);
    for (const { insert: kept, attributes = {} } of readAfter(retain)) {
      for (const run of readFormats(kept.length)) {
        pushRetain(steps, run.insert.length, attributeChanges(run.attributes ?? {}, attributes));
      }
    }
  }
  return steps;
}

const textOf = (runs: readonly Run[]): string => runs.map(({ insert }) => insert).join("");

function pushRetain(steps: Step[], length: number, changes: Attributes): void {
  if (Object.keys(changes).length > 0) {
    steps.push({ retain: length, attributes: changes });
    return;
  }
  const last = steps.at(-1);
  const isPlain = last !== undefined && "retain" in last && last.attributes === undefined;
  if (isPlain) steps[steps.length - 1] = { retain: last.retain + length };
  else steps.push({ retain: length });
}

/** Reads runs from left to right: the next so many characters. */
export function createReader(runs: readonly Run[]): (length: number) => Run[] {
  let [index, offset] = [0, 0];
  return (length) => {
    const read: Run[] = [];
    let left = length;
    for (let run = runs[index]; left > 0 && run !== undefined; run = runs[index]) {
      const insert = run.insert.slice(offset, offset + left);
      read.push({ ...run, insert });
      left -= insert.length;
      offset += insert.length;
      if (offset >= run.insert.length) [index, offset] = [index + 1, 0];
    }
    return read;
  };
}
