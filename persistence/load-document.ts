import * as Y from "yjs";
import { ScriptoriumError } from "../schema/errors.ts";
import type { DocumentAddress } from "../schema/ids.ts";
import type { SqlOrTransaction } from "./database.ts";
import type { SnapshotEncoding } from "../schema/tables/encodings.ts";
import { applySnapshot } from "./snapshot-encoding.ts";

/** Why a document stays at an earlier seq, and which row stopped it (`state_seq` when it was the snapshot itself). */
export type Quarantine = { readonly seq: number; readonly reason: string };

/** What loading learned about a document besides its content. Positions are log positions, sizes bytes as stored. */
export type StoredDocument = {
  readonly headSeq: number;
  readonly stateSeq: number;
  readonly projectedSeq: number;
  /** How often it had been repaired; whoever appends says so. */
  readonly repairs: number;
  /** Bytes of the snapshot and of the rows after it, as stored. */
  readonly stateBytes: number;
  readonly tailBytes: number;
  readonly tailRows: number;
  /** True when the head row says that it is quarantined, which an earlier load found. */
  readonly isMarked: boolean;
  /** Where loading had to stop; null for a whole document. */
  readonly quarantine: Quarantine | null;
};

/** `waitingSince`: the first row since which an update waits for one that has not come; a later row may bring it. */
type Progress = StoredDocument & { readonly waitingSince: number | null };

type StoredRow = {
  head_seq: string;
  state_seq: string;
  projected_seq: string;
  repairs: number;
  state: Uint8Array;
  encoding: SnapshotEncoding;
  is_quarantined: boolean;
  is_standby: boolean;
  first_seq: string | null;
  lengths: number[] | null;
  updates: Uint8Array | null;
  /** The seq of each row, only where one is missing between them. */
  seqs: string[] | null;
};

/** The origin of what is applied while loading: it is committed already and must not be logged again. */
export const LOADING = { source: "local", skipStoreHooks: true, loading: true } as const;

/** Rows sent as one: a million single rows cost seconds in the driver, a thousand aggregates cost nothing. */
const ROWS_PER_CHUNK = 1000;

/**
 * Fills `doc` with the snapshot and every row after it [L3].
 *
 * One statement, so one database snapshot: a compaction that commits meanwhile is seen whole or not at all.
 * A row that cannot be applied stops the load and `quarantine` says where. Such a row may have been applied in
 * part: for the last good state, fill a new document with `untilSeq` one below it.
 *
 * @throws ScriptoriumError `document_not_found` when there is no such document; `storage_unavailable` from a standby;
 *   PostgreSQL's errors as they are.
 */
export async function loadDocument(
  sql: SqlOrTransaction,
  address: Pick<DocumentAddress, "documentId" | "part">,
  doc: Y.Doc,
  untilSeq = Number.MAX_SAFE_INTEGER,
): Promise<StoredDocument> {
  const { documentId, part } = address;
  const rows = await sql<StoredRow[]>`
    with stored as (
      select least(head_seq, ${untilSeq}::bigint) as head_seq, state_seq, projected_seq, repairs, state, encoding,
             quarantined_seq is not null as is_quarantined, pg_is_in_recovery() as is_standby
      from yjs_documents
      where document_id = ${documentId} and part = ${part}
    ), tail as (
      select min(u.seq) as first_seq, array_agg(octet_length(u.update_data) order by u.seq) as lengths,
             string_agg(u.update_data, ''::bytea order by u.seq) as updates,
             case when max(u.seq) - min(u.seq) >= count(*) then array_agg(u.seq order by u.seq) end as seqs
      from yjs_updates u, stored s
      where u.document_id = ${documentId} and u.part = ${part} and u.seq > s.state_seq and u.seq <= s.head_seq
      group by (u.seq - s.state_seq - 1) / ${ROWS_PER_CHUNK}::bigint
    )
    select s.*, null::bigint as first_seq, null::int[] as lengths, null::bytea as updates,
           null::bigint[] as seqs
    from stored s
    union all
    select head_seq, state_seq, projected_seq, repairs, ''::bytea, encoding, is_quarantined, is_standby, tail.first_seq, tail.lengths, tail.updates,
           tail.seqs
    from tail, stored order by first_seq nulls first`;
  let stored: Progress | null = null;
  for (const row of rows) {
    stored = stored === null ? openSnapshot(doc, row) : applyTail(doc, stored, row);
  }
  if (stored === null) {
    throw new ScriptoriumError("document_not_found", `No document ${documentId}`);
  }
  return finish(stored);
}

function openSnapshot(doc: Y.Doc, row: StoredRow): Progress {
  if (row.is_standby) {
    throw new ScriptoriumError("storage_unavailable", "This PostgreSQL is a standby");
  }
  const stateSeq = Number(row.state_seq);
  const wanted = Number(row.head_seq) >= stateSeq;
  const quarantine = attempt(stateSeq, () => {
    if (wanted) applySnapshot(doc, row.state, row.encoding, LOADING);
  });
  return {
    headSeq: Number(row.head_seq),
    stateSeq,
    projectedSeq: Number(row.projected_seq),
    repairs: row.repairs,
    isMarked: row.is_quarantined,
    stateBytes: row.state.length,
    tailBytes: 0,
    tailRows: 0,
    quarantine,
    waitingSince: hasPending(doc) ? stateSeq : null,
  };
}

function applyTail(doc: Y.Doc, stored: Progress, chunk: StoredRow): Progress {
  const { first_seq: firstSeq, lengths, updates } = chunk;
  if (firstSeq === null || lengths === null || updates === null) return stored;
  const grown = {
    ...stored,
    tailBytes: stored.tailBytes + updates.length,
    tailRows: stored.tailRows + lengths.length,
  };
  if (stored.quarantine !== null) return grown;
  const quarantine = gapBefore(stored, Number(firstSeq));
  if (quarantine !== null) return { ...grown, quarantine };
  return { ...grown, ...applyRows(doc, Number(firstSeq), chunk, stored.waitingSince) };
}

const missing = (seq: number): Quarantine => ({ seq, reason: "a row of the log is missing" });

function gapBefore(stored: StoredDocument, firstSeq: number): Quarantine | null {
  const expected = stored.stateSeq + stored.tailRows + 1;
  return firstSeq === expected ? null : missing(expected);
}

/** One transaction for the chunk: thirty times faster than one for each row (FIELD-NOTES 18). */
function applyRows(
  doc: Y.Doc,
  firstSeq: number,
  { lengths, updates, seqs }: StoredRow,
  waitingBefore: number | null,
): Pick<Progress, "quarantine" | "waitingSince"> {
  let waitingSince = waitingBefore;
  let offset = 0;
  const applyOne = (seq: number, length: number): Quarantine | null => {
    const update = updates?.subarray(offset, offset + length) ?? new Uint8Array();
    offset += length;
    const stopped = attempt(seq, () => Y.applyUpdate(doc, update, LOADING));
    if (!hasPending(doc)) waitingSince = null;
    else waitingSince ??= seq;
    return stopped;
  };
  const quarantine = doc.transact(() => {
    for (const [index, length] of (lengths ?? []).entries()) {
      const seq = firstSeq + index;
      if (seqs !== null && Number(seqs[index]) !== seq) return missing(seq);
      const stopped = applyOne(seq, length);
      if (stopped !== null) return stopped;
    }
    return null;
  }, LOADING);
  return { quarantine, waitingSince };
}

function attempt(seq: number, apply: () => void): Quarantine | null {
  try {
    apply();
    return null;
  } catch (error) {
    return { seq, reason: error instanceof Error ? error.message : String(error) };
  }
}

function finish({ waitingSince, ...stored }: Progress): StoredDocument {
  const read = stored.stateSeq + stored.tailRows;
  const atTheEnd = { seq: read + 1, reason: "rows at the end of the log are missing" };
  const waiting =
    waitingSince === null
      ? null
      : { seq: waitingSince, reason: "an update waits for one that is missing" };
  // What stops a load comes after what waits: the first of them is where the document was last whole.
  const quarantine = waiting ?? stored.quarantine ?? (read < stored.headSeq ? atTheEnd : null);
  return { ...stored, quarantine };
}

/** True while an update waits for another that the document has not seen [L6]. */
export const hasPending = (doc: Y.Doc): boolean =>
  doc.store.pendingStructs !== null || doc.store.pendingDs !== null;
