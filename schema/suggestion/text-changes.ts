import type * as Y from "yjs";

import { type Run, type Step, stepsBetween } from "../formatted-text.ts";
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

const isPlain = (step: Step): boolean => "retain" in step && step.attributes === undefined;

function gather(steps: readonly Step[], before: readonly Run[]): TextChange[] {
  const changes: TextChange[] = [];
  let [at, from] = [0, 0];
  let run: Step[] = [];
  const end = (): void => {
    if (run.length > 0) {
      changes.push({ from, to: at, before: slice(before, from, at), steps: run });
    }
    run = [];
  };
  for (const step of steps) {
    if (isPlain(step)) {
      end();
      at += "retain" in step ? step.retain : 0;
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

/** The runs from one place to another. */
function slice(runs: readonly Run[], from: number, to: number): Run[] {
  const found: Run[] = [];
  let at = 0;
  for (const run of runs) {
    const insert = run.insert.slice(Math.max(0, from - at), Math.max(0, to - at));
    at += run.insert.length;
    if (insert !== "") found.push({ ...run, insert });
  }
  return found;
}

/** What steps make of runs. */
export function applySteps(runs: readonly Run[], steps: readonly Step[]): Run[] {
  const made: Run[] = [];
  let at = 0;
  for (const step of steps) {
    if ("insert" in step) made.push(withFormats(step.insert, step.attributes));
    else if ("delete" in step) at += step.delete;
    else {
      for (const { insert, attributes } of slice(runs, at, at + step.retain)) {
        made.push(withFormats(insert, { ...attributes, ...step.attributes }));
      }
      at += step.retain;
    }
  }
  return made;
}
