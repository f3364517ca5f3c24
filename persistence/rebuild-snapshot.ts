import * as Y from "yjs";
import type { SnapshotEncoding } from "../schema/tables/encodings.ts";
import type { SqlOrTransaction } from "./database.ts";
import { type LoggedUpdate, unpackHistory } from "./history.ts";
import { hasPending, LOADING } from "./load-document.ts";
import { replayRows } from "./replay-rows.ts";
import { applySnapshot } from "./snapshot-encoding.ts";
import { compareStateVector, type Head } from "./verify-log.ts";

/** A snapshot made anew. */
export type RebuiltSnapshot = {
  readonly doc: Y.Doc;
  /** The version that it was made from; null: from the first row on. */
  readonly version: number | null;
  /** Rows of the history that are not in it: gone, or of no use without those that are. 0: nothing is lost. */
  readonly lostRows: number;
  /** The version, or nothing, reaches this far; what is lost lies after it. */
  readonly fromSeq: number;
};

type Start = { readonly seq: number; readonly version: number | null; readonly open: () => Y.Doc };

/**
 * Makes the snapshot of a part anew: from a version and the history after it, the newest that gives everything; where
 * none does, from the newest version and what can be used of the history after it.
 */
export async function rebuildSnapshot(tx: SqlOrTransaction, head: Head): Promise<RebuiltSnapshot> {
  const history = await readHistory(tx, head);
  const versions = await readVersions(tx, head);
  const beginning: Start = { seq: 0, version: null, open: () => new Y.Doc({ gc: true }) };
  const starts = [...versions, beginning];
  let first: RebuiltSnapshot | null = null;
  for (const start of starts) {
    const rebuilt = rebuildFrom(start, head, history);
    if (rebuilt.lostRows === 0) {
      first?.doc.destroy();
      return rebuilt;
    }
    if (first === null) first = rebuilt;
    else rebuilt.doc.destroy();
  }
  // There is always a beginning.
  return first as RebuiltSnapshot;
}

function rebuildFrom(
  { seq, version, open }: Start,
  { stateSeq, stateVector }: Head,
  history: readonly LoggedUpdate[],
): RebuiltSnapshot {
  const rows = history.filter((row) => row.seq > seq);
  const { doc, leftOut } = replayRows(open, rows);
  const lostRows = stateSeq - seq - (rows.length - leftOut.length);
  // Nothing seems to be missing, and yet the snapshot had something else.
  const differs = lostRows === 0 && compareStateVector(stateVector, doc) !== null;
  return { doc, version, lostRows: differs ? stateSeq - seq : lostRows, fromSeq: seq };
}

/** The rows of all chunks that can be read. */
async function readHistory(tx: SqlOrTransaction, head: Head): Promise<LoggedUpdate[]> {
  const chunks = await tx<{ updates: Uint8Array }[]>`
    select updates from yjs_history
    where document_id = ${head.documentId} and part = ${head.part} and first_seq <= ${head.stateSeq}
    order by first_seq`;
  const bySeq = new Map<number, LoggedUpdate>();
  for (const { updates } of chunks) {
    for (const row of readable(() => unpackHistory(updates)) ?? []) bySeq.set(row.seq, row);
  }
  return [...bySeq.values()].filter(({ seq }) => seq <= head.stateSeq);
}

/** The versions whose state can be read, newest first. Only a text has versions. */
async function readVersions(tx: SqlOrTransaction, head: Head): Promise<Start[]> {
  if (head.part !== "content") return [];
  const rows = await tx<
    { seq: number; version: number; state: Uint8Array; encoding: SnapshotEncoding }[]
  >`
    select seq::float8, version_number as version, state, encoding from document_versions
    where document_id = ${head.documentId} and seq <= ${head.stateSeq} and state is not null
    order by seq desc, version_number desc`;
  return rows.flatMap(({ seq, version, state, encoding }) => {
    const open = (): Y.Doc => openSnapshot(state, encoding);
    const doc = readable(open);
    doc?.destroy();
    return doc === null ? [] : [{ seq, version, open }];
  });
}

/** A document of a stored state. @throws when it cannot be read or is not whole. */
export function openSnapshot(state: Uint8Array, encoding: SnapshotEncoding): Y.Doc {
  const doc = new Y.Doc({ gc: true });
  applySnapshot(doc, state, encoding, LOADING);
  if (hasPending(doc)) throw new Error("an update in it waits for one that is missing");
  return doc;
}

function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
