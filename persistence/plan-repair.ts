import type * as Y from "yjs";
import { ScriptoriumError } from "../schema/errors.ts";
import type { SetAsideKind, SnapshotEncoding } from "../schema/tables/encodings.ts";
import type { Author } from "./append-updates.ts";
import type { SqlOrTransaction } from "./database.ts";
import { openSnapshot, rebuildSnapshot } from "./rebuild-snapshot.ts";
import { replayRows } from "./replay-rows.ts";
import { encodeSnapshot } from "./snapshot-encoding.ts";
import { reasonOf, type Head } from "./verify-log.ts";

/** A row that is to be set aside, whose it is and why. A row that is missing has nobody and nothing. */
export type SetAside = {
  readonly kind: Exclude<SetAsideKind, "snapshot">;
  readonly seq: number;
  readonly reason: string;
  readonly bytes: number;
  readonly author: Author;
  readonly createdAt: Date | null;
};

/** What becomes of a snapshot that cannot be read. */
export type SnapshotRepair = {
  readonly reason: string;
  readonly version: number | null;
  readonly fromSeq: number;
  readonly lostRows: number;
};

/** What a repair would do with a part of a document, and the document that it would give. */
export type RepairPlan = {
  readonly head: RepairHead;
  readonly snapshot: SnapshotRepair | null;
  readonly setAside: readonly SetAside[];
  /** Rows after the snapshot that stay. */
  readonly keptRows: number;
  readonly doc: Y.Doc;
  /** The snapshot the document would have, when it is made anew. */
  readonly rebuilt: Y.Doc | null;
};

/** The head row, with what a repair needs of it. */
export type RepairHead = Head & {
  readonly repairs: number;
  readonly state: Uint8Array;
  readonly encoding: SnapshotEncoding;
};

/** More than this is no damage to single rows: a backup is the better start. */
const MAX_MISSING = 100_000;

/** True when there is nothing to be done, not even a mark to be taken away. */
export const isSound = ({ head, snapshot, setAside }: RepairPlan): boolean =>
  snapshot === null && setAside.length === 0 && head.quarantinedSeq === null;

type Row = {
  seq: number;
  update: Uint8Array;
  userId: string | null;
  agentId: string | null;
  createdAt: Date;
};

/**
 * Finds the smallest number of rows that must be set aside so that the document loads whole: those that cannot be
 * read or applied, and those that build on them. Changes nothing.
 *
 * @throws ScriptoriumError `conflict` when so much is missing that a backup is the better start.
 */
export async function planRepair(tx: SqlOrTransaction, head: RepairHead): Promise<RepairPlan> {
  const rows = await tx<Row[]>`
    select seq::float8, update_data as update, user_id as "userId", agent_id as "agentId", created_at as "createdAt"
    from yjs_updates where document_id = ${head.documentId} and part = ${head.part} order by seq`;
  const snapshot = await planSnapshot(tx, head);
  const inPlace = rows.filter(({ seq }) => seq > head.stateSeq && seq <= head.headSeq);
  const { doc, leftOut } = replayRows(snapshot.open, inPlace);
  const reasons = new Map(leftOut.map(({ seq, reason }) => [seq, reason]));
  const aside = rows.flatMap((row): SetAside[] => {
    const { seq } = row;
    const isStray = seq <= head.stateSeq || seq > head.headSeq;
    const reason = isStray ? "it lies outside of the log" : reasons.get(seq);
    return reason === undefined ? [] : [describe(row, isStray ? "stray" : "update", reason)];
  });
  const setAside = [...aside, ...findMissing(head, inPlace)].toSorted(
    (one, two) => one.seq - two.seq,
  );
  const keptRows = inPlace.length - leftOut.length;
  const { repair, rebuilt } = snapshot;
  return { head, snapshot: repair, setAside, keptRows, doc, rebuilt };
}

type PlannedSnapshot = {
  readonly open: () => Y.Doc;
  readonly repair: SnapshotRepair | null;
  readonly rebuilt: Y.Doc | null;
};

async function planSnapshot(tx: SqlOrTransaction, head: RepairHead): Promise<PlannedSnapshot> {
  const open = (): Y.Doc => openSnapshot(head.state, head.encoding);
  try {
    open().destroy();
    return { open, repair: null, rebuilt: null };
  } catch (error) {
    const { doc: rebuilt, version, fromSeq, lostRows } = await rebuildSnapshot(tx, head);

    const state = encodeSnapshot(rebuilt);
    const repair = { reason: reasonOf(error), version, fromSeq, lostRows };
    return { open: () => openSnapshot(state, "v2+zstd"), repair, rebuilt };
  }
}

const describe = (row: Row, kind: "update" | "stray", reason: string): SetAside => ({
  kind,
  seq: row.seq,
  reason,
  bytes: row.update.length,
  author: { userId: row.userId, agentId: row.agentId },
  createdAt: row.createdAt,
});

function findMissing({ stateSeq, headSeq }: RepairHead, rows: readonly Row[]): SetAside[] {
  const count = headSeq - stateSeq - rows.length;
  if (count === 0) return [];
  if (count > MAX_MISSING) {
    throw new ScriptoriumError(
      "conflict",
      `${count} rows of the log are missing: restore a backup instead`,
    );
  }
  const present = new Set(rows.map(({ seq }) => seq));
  return Array.from({ length: headSeq - stateSeq }, (_, index) => stateSeq + 1 + index)
    .filter((seq) => !present.has(seq))
    .map((seq) => ({
      kind: "missing" as const,
      seq,
      reason: "the row is missing",
      bytes: 0,
      author: { userId: null, agentId: null },
      createdAt: null,
    }));
}
