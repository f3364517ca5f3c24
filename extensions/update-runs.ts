import * as Y from "yjs";
import type { Place } from "./update-content.ts";

/** What an update consists of, as Yjs decodes it. */
export type Struct = Y.Item | Y.GC | Y.Skip;

/** All structs of one client in an update, in order, and how far they have been walked. */
export type Run = {
  readonly client: number;
  readonly structs: Struct[];
  /** The next to be walked. */
  at: number;
  /** What the document has of this client: clocks below. */
  readonly known: number;
  /** What it would have when the structs before `at` were in it. */
  reached: number;
  /** Of each struct before `at`; null where nothing will be kept of it. */
  readonly places: (Place | null)[];
};

export type Runs = ReadonlyMap<number, Run>;

/** The run that brings this clock; null: the document has it. */
export function runOf(runs: Runs, { client, clock }: Y.ID): Run | null {
  const run = runs.get(client);
  return run !== undefined && clock >= run.known ? run : null;
}

/** The struct of a run that holds this clock; the run has it. */
export function indexOf({ structs, at }: Run, clock: number): number {
  let low = 0;
  let high = at - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((structs[middle]?.id.clock ?? 0) <= clock) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What Yjs puts an item behind: its left neighbour; of one that is known in part, the last that is known. */
export const leftOf = ({ id, origin }: Y.Item, known: number): Y.ID | null =>
  id.clock < known ? Y.createID(id.client, known - 1) : origin;
