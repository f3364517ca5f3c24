import { createNumbers } from "./content-units.ts";
import { matchEqual } from "./matching.ts";

/** Words, spaces and single other characters: what a person changes as one. */
const TOKENS = /[\p{L}\p{M}\p{N}]+|\s+|[^]/gu;

/** Insert and remove so many characters, then keep so many. */
export type WordEdit = {
  readonly insert: number;
  readonly remove: number;
  readonly retain: number;
};

/** What turns one text into another by whole words, from left to right; covers all of both. */
export function wordEdits(before: string, after: string): WordEdit[] {
  const numbers = createNumbers();
  const old = before.match(TOKENS) ?? [];
  const fresh = after.match(TOKENS) ?? [];
  const matches = matchEqual(old.map(numbers), fresh.map(numbers));
  const edits: WordEdit[] = [];
  let [i, j] = [0, 0];
  let run: WordEdit = { insert: 0, remove: 0, retain: 0 };
  for (const [nextOld, nextFresh] of [...matches, [old.length, fresh.length] as const]) {
    const remove = lengthOf(old, i, nextOld);
    const insert = lengthOf(fresh, j, nextFresh);
    const retain = old[nextOld]?.length ?? 0;
    if (remove === 0 && insert === 0) run = { ...run, retain: run.retain + retain };
    else {
      edits.push(run);
      run = { insert, remove, retain };
    }
    [i, j] = [nextOld + 1, nextFresh + 1];
  }
  return [...edits, run];
}

const lengthOf = (tokens: readonly string[], from: number, to: number): number =>
  tokens.slice(from, to).reduce((sum, token) => sum + token.length, 0);
