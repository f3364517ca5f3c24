import type * as Y from "yjs";

import { createReader, type Run, type Step, stepsBetween } from "../formatted-text.ts";
import { MAX_TEXT_EDITS } from "../text-edits.ts";

/** A place of a text where something changes, with what stood and what is to stand there. */
export type TextChange = {
  /** In UTF-16 units of the text as it was. */
  readonly from: number;
  readonly to: number;
  readonly before: readonly Run[];
  /** What makes of it what is to stand there. */
  readonly steps: readonly Step[];
};

/** Where a text is to change, from left to right; between two places at least one character stays as it is. */
export function textChanges(text: Y.Text, wanted: Y.Text): TextChange[] {
  const [before, after] = [runsOf(text), runsOf(wanted)];
  const changes = gather(stepsBetween(before, after), before);
  return changes.length > MAX_TEXT_EDITS ? [allOf(before, after)] : changes;
}

/** The words of a text with their formats; Yjs says null of one that was taken away. */
const runsOf = (text: Y.Text): Run[] =>
  (text.toDelta() as Run[]).map(({ insert, attributes = {} }) => withFormats(insert, attributes));

function withFormats(insert: string, attributes: Readonly<Record<string, unknown>>): Run {
  const kept = Object.entries(attributes).filter(([, value]) => value !== null);
  return kept.length === 0 ? { insert } : { insert, attributes: Object.fromEntries(kept) };
}

function gather(steps: readonly Step[], before: readonly Run[]): TextChange[] {
  const changes: TextChange[] = [];
  const read = createReader(before);
  let [at, from] = [0, 0];
  let run: Step[] = [];
  const end = (): void => {
    if (run.length > 0) {
      changes.push({ from, to: at, before: read(at - from), steps: run });
    }
    run = [];
  };
  for (const step of steps) {
    if ("retain" in step && step.attributes === undefined) {
      end();
      read(step.retain);
      at += step.retain;
      from = at;
      continue;
    }
    run.push(step);
    if ("retain" in step) at += step.retain;
    if ("delete" in step) at += step.delete;
  }
  end();
  return changes;
}

/** All of a text is replaced. */
function allOf(before: readonly Run[], after: readonly Run[]): TextChange {
  const to = before.reduce((sum, { insert }) => sum + insert.length, 0);
  const inserted = after.map(({ insert, attributes = {} }) => ({ insert, attributes }));
  return { from: 0, to, before, steps: [...inserted, { delete: to }] };
}

/** What is left of a text that loses all its words. */
export const emptied = (text: Y.Text): TextChange => allOf(runsOf(text), []);

/** What steps make of runs. */
export function applySteps(runs: readonly Run[], steps: readonly Step[]): Run[] {
  const read = createReader(runs);
  return steps.flatMap((step): Run[] => {
    if ("insert" in step) return [withFormats(step.insert, step.attributes)];
    const old = read("delete" in step ? step.delete : step.retain);
    if ("delete" in step) return [];
    return old.map(({ insert, attributes }) =>
      withFormats(insert, { ...attributes, ...step.attributes }),
    );
  });
}
