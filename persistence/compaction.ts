import * as Y from "yjs";
import { ScriptoriumError } from "../schema/errors.ts";
import type { DocumentAddress } from "../schema/ids.ts";
import { yDocDiagram, yDocToContent } from "../schema/yjs-content.ts";
import type { Sql, SqlOrTransaction } from "./database.ts";
import { HISTORY_ENCODING, packHistory, type LoggedUpdate } from "./history.ts";
import { loadDocument, type StoredDocument } from "./load-document.ts";
import { difference } from "./proof.ts";
import { applySnapshot, encodeSnapshot } from "./snapshot-encoding.ts";
import { type CapturedVersion, recordVersion, type VersionPolicy } from "./versions.ts";

/** What a compaction did, in stored bytes. `historyBytes` are kept for the retention; they are not in `afterBytes`. */
export type CompactionResult = {
  readonly outcome: "compacted" | "nothing_to_do" | "lost_the_race" | "dry_run";
  readonly rows: number;
  readonly beforeBytes: number;
  readonly afterBytes: number;
  readonly historyBytes: number;
  /** The number of the version it wrote, if it wrote one. */
  readonly version: number | null;
};

/** How a compaction is done; a dry run proves the result and changes nothing. */
export type CompactionOptions = {
  readonly versions: VersionPolicy;
  readonly dryRun?: boolean;
  /** Called before each statement of the final transaction; a test kills the process or the connection there. */
  readonly atStatement?: (name: string) => Promise<void> | void;
};

type HistoryChunk = {
  firstSeq: number;
  lastSeq: number;
  packed: Uint8Array;
  rawBytes: number;
  fromMs: number;
  toMs: number;
};

type Merged = {
  readonly doc: Y.Doc;
  /** Null for a discussion, which has no versions. */
  readonly captured: CapturedVersion | null;
  readonly stored: StoredDocument;
  readonly state: Uint8Array;
  readonly chunks: readonly HistoryChunk[];
};

/** Rows in one chunk of history, and read at once. */
const ROWS_PER_CHUNK = 1000;

/**
 * Merges a document's snapshot and the rows after it into a new snapshot, and moves those rows to the history.
 *
 * Reads in one database snapshot, merges outside any lock, proves the result [C2], then changes everything in one
 * transaction [C4]. Writers append meanwhile; what they append is not touched [C1, C3].
 *
 * @throws ScriptoriumError `document_not_found`; `document_quarantined` when it cannot be loaded whole;
 *   `compaction_failed` when the proof fails. In every case nothing has changed.
 */
export async function compactDocument(
  sql: Sql,
  address: Pick<DocumentAddress, "documentId" | "part">,
  options: CompactionOptions,
): Promise<CompactionResult> {
  const read = await sql.begin("isolation level repeatable read read only", (tx) =>
    readWhole(tx, address),
  );
  const { stored, chunks, doc } = read;
  try {
    const beforeBytes = stored.stateBytes + stored.tailBytes;
    const historyBytes = chunks.reduce((sum, chunk) => sum + chunk.packed.length, 0);
    const result = { rows: stored.tailRows, beforeBytes, historyBytes, version: null };
    if (stored.tailRows === 0) {
      return { ...result, outcome: "nothing_to_do", afterBytes: beforeBytes };
    }
    const state = encodeSnapshot(doc);
    prove(doc, state);
    const afterBytes = state.length;
    if (options.dryRun === true) return { ...result, outcome: "dry_run", afterBytes };
    const captured = capture(doc, address, stored.headSeq, state);
    const outcome = await replace(sql, address, { ...read, state, captured }, options);
    return { ...result, afterBytes, ...outcome };
  } finally {
    doc.destroy();
  }
}

async function readWhole(
  tx: SqlOrTransaction,
  address: Pick<DocumentAddress, "documentId" | "part">,
): Promise<Pick<Merged, "doc" | "stored" | "chunks">> {
  const doc = new Y.Doc({ gc: true });
  const stored = await loadDocument(tx, address, doc);
  if (stored.quarantine !== null) {
    const { seq, reason } = stored.quarantine;
    throw new ScriptoriumError(
      "document_quarantined",
      `Document ${address.documentId} cannot be loaded past seq ${seq}: ${reason}`,
    );
  }
  const chunks = stored.tailRows === 0 ? [] : await readHistory(tx, address, stored);
  return { doc, stored, chunks };
}

/** Made before the transaction: nobody should wait for it behind the head row's lock. */
const capture = (
  doc: Y.Doc,
  { documentId, part }: Pick<DocumentAddress, "documentId" | "part">,
  seq: number,
  state: Uint8Array,
): CapturedVersion | null =>
  part === "content"
    ? { documentId, seq, state, content: yDocToContent(doc), diagramSource: yDocDiagram(doc) }
    : null;

async function readHistory(
  tx: SqlOrTransaction,
  { documentId, part }: Pick<DocumentAddress, "documentId" | "part">,
  { stateSeq, headSeq }: StoredDocument,
): Promise<HistoryChunk[]> {
  type Row = {
    seq: string;
    update_data: Uint8Array;
    user_id: string | null;
    agent_id: string | null;
    created_at: Date;
  };
  const chunks: HistoryChunk[] = [];
  const rows = tx<Row[]>`
    select seq, update_data, user_id, agent_id, created_at from yjs_updates
    where document_id = ${documentId} and part = ${part} and seq > ${stateSeq} and seq <= ${headSeq}
    order by seq`;
  for await (const batch of rows.cursor(ROWS_PER_CHUNK)) {
    chunks.push(
      toChunk(
        batch.map((row) => ({
          seq: Number(row.seq),
          update: row.update_data,
          author: { userId: row.user_id, agentId: row.agent_id },
          createdAtMs: row.created_at.getTime(),
        })),
      ),
    );
  }
  return chunks;
}

function toChunk(rows: readonly LoggedUpdate[]): HistoryChunk {
  const times = rows.map((row) => row.createdAtMs);
  return {
    firstSeq: rows[0]?.seq ?? 0,
    lastSeq: rows.at(-1)?.seq ?? 0,
    packed: packHistory(rows),
    rawBytes: rows.reduce((sum, row) => sum + row.update.length, 0),
    fromMs: Math.min(...times),
    toMs: Math.max(...times),
  };
}

function prove(doc: Y.Doc, state: Uint8Array): void {
  const again = new Y.Doc({ gc: true });
  applySnapshot(again, state, "v2+zstd", null);
  const differs = difference(doc, again);
  again.destroy();
  if (differs !== null) {
    throw new ScriptoriumError("compaction_failed", `Not compacted: ${differs}`);
  }
}

/** Ends a transaction that found another compaction had been faster [C5]. */
class LostTheRace extends Error {}

/**
 * The rows go first, the head row last: writers need the head row's lock, and have to wait for it only from the
 * last statements to the COMMIT. A second compaction stops at the first DELETE until this one is over, finds
 * fewer rows than it read, and rolls back.
 */
async function replace(
  sql: Sql,
  { documentId, part }: Pick<DocumentAddress, "documentId" | "part">,
  merged: Merged,
  { versions, atStatement = () => {} }: CompactionOptions,
): Promise<Pick<CompactionResult, "outcome" | "version">> {
  const { doc, state, chunks, captured } = merged;
  const { stateSeq, headSeq, tailRows, repairs } = merged.stored;
  return sql
    .begin(async (tx) => {
      await atStatement("delete");
      const removed = await tx`
        delete from yjs_updates
        where document_id = ${documentId} and part = ${part} and seq > ${stateSeq} and seq <= ${headSeq}`;
      if (removed.count !== tailRows) throw new LostTheRace();
      await atStatement("history");
      await keepHistory(tx, documentId, part, chunks);
      await atStatement("snapshot");
      const replaced = await tx`
        update yjs_documents
        set state = ${state}, state_vector = ${Y.encodeStateVector(doc)}, encoding = 'v2+zstd',
            state_seq = ${headSeq}, compacted_at = now(), updated_at = now()
        where document_id = ${documentId} and part = ${part} and state_seq = ${stateSeq}
          and repairs = ${repairs}`;
      if (replaced.count !== 1) throw new LostTheRace();
      await atStatement("version");
      const version = captured === null ? null : await recordVersion(tx, versions, captured);
      await atStatement("commit");
      return { outcome: "compacted" as const, version };
    })
    .catch((error: unknown) => {
      if (error instanceof LostTheRace) return { outcome: "lost_the_race" as const, version: null };
      throw error;
    });
}

async function keepHistory(
  tx: SqlOrTransaction,
  documentId: string,
  part: string,
  chunks: readonly HistoryChunk[],
): Promise<void> {
  for (const chunk of chunks) {
    await tx`
      insert into yjs_history (document_id, part, first_seq, last_seq, updates, encoding, update_count,
                               raw_bytes, created_from, created_to)
      values (${documentId}, ${part}, ${chunk.firstSeq}, ${chunk.lastSeq}, ${chunk.packed}, ${HISTORY_ENCODING},
              ${chunk.lastSeq - chunk.firstSeq + 1}, ${chunk.rawBytes}, ${new Date(chunk.fromMs)},
              ${new Date(chunk.toMs)})`;
  }
}
