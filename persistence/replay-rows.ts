import * as Y from "yjs";
import { hasPending, LOADING } from "./load-document.ts";
import { hasMissingDependencies } from "./missing-dependencies.ts";
import { reasonOf } from "./verify-log.ts";

/** Why a row cannot be part of the document. */
export type LeftOut = { readonly seq: number; readonly reason: string };

/** The document that the rows give, and those that had to be left out of it for that. */
export type Replayed = { readonly doc: Y.Doc; readonly leftOut: readonly LeftOut[] };

type Row = { readonly seq: number; readonly update: Uint8Array };

const WAITS = "it builds on an update that is lost";

/**
 * Applies as many rows as possible, in order, to the document that `base` makes: none that cannot be read, none that
 * throws, none that would wait for something that is not there.
 *
 * A row that throws may have been applied in part, so the document is made anew without it: never repaired in place.
 */
export function replayRows(base: () => Y.Doc, rows: readonly Row[]): Replayed {
  const bad = unreadable(rows);
  for (;;) {
    const doc = base();
    const attempted = attempt(
      doc,
      rows.filter(({ seq }) => !bad.has(seq)),
    );
    if (attempted.threw === null) {
      const leftOut = [...bad].map(([seq, reason]) => ({ seq, reason }));
      const waiting = attempted.waiting.map(({ seq }) => ({ seq, reason: WAITS }));
      return { doc, leftOut: [...leftOut, ...waiting].toSorted((one, two) => one.seq - two.seq) };
    }
    doc.destroy();
    bad.set(attempted.threw.seq, attempted.threw.reason);
  }
}

/** Found without applying anything, so that a log full of garbage is not replayed once for each row. */
function unreadable(rows: readonly Row[]): Map<number, string> {
  const bad = new Map<number, string>();
  for (const { seq, update } of rows) {
    try {
      Y.decodeUpdate(update);
    } catch (error) {
      bad.set(seq, reasonOf(error));
    }
  }
  return bad;
}

type Attempt = { readonly waiting: readonly Row[]; readonly threw: LeftOut | null };

/** What waits gets another chance after what comes later, as it would when the document is loaded. */
function attempt(doc: Y.Doc, rows: readonly Row[]): Attempt {
  let waiting = rows;
  for (;;) {
    const still: Row[] = [];
    for (const row of waiting) {
      try {
        if (hasMissingDependencies(doc, row.update)) {
          still.push(row);
          continue;
        }
        Y.applyUpdate(doc, row.update, LOADING);
        if (hasPending(doc)) throw new Error(WAITS);
      } catch (error) {
        return { waiting: still, threw: { seq: row.seq, reason: reasonOf(error) } };
      }
    }
    const isSettled = still.length === 0 || still.length === waiting.length;
    if (isSettled) return { waiting: still, threw: null };
    waiting = still;
  }
}
