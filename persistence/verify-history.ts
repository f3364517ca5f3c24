import * as Y from "yjs";
import type { SqlOrTransaction } from "./database.ts";
import { unpackHistory, type LoggedUpdate } from "./history.ts";
import { reasonOf, type Head, type Problem } from "./verify-log.ts";

type ChunkRow = {
  firstSeq: number;
  lastSeq: number;
  updates: Uint8Array;
  updateCount: number;
  rawBytes: number;
};

/**
 * Reads every chunk of a part's history: each gives the rows it says it holds, and they follow one another up to
 * the snapshot. Older ones may be missing: their retention has ended.
 */
export async function checkHistory(
  tx: SqlOrTransaction,
  head: Head,
): Promise<{ chunks: number; problems: Problem[] }> {
  const problems: Problem[] = [];
  let chunks = 0;
  let previousLast: number | null = null;
  const rows = tx<ChunkRow[]>`
    select first_seq::float8 as "firstSeq", last_seq::float8 as "lastSeq", updates,
           update_count as "updateCount", raw_bytes as "rawBytes"
    from yjs_history where document_id = ${head.documentId} and part = ${head.part} order by first_seq`;
  // One at a time: a history may be larger than memory.
  for await (const batch of rows.cursor(1)) {
    for (const chunk of batch) {
      chunks += 1;
      const reasons = [checkPlace(chunk, previousLast), checkChunk(chunk)];
      for (const reason of reasons) {
        if (reason !== null) problems.push({ check: "history", seq: chunk.firstSeq, reason });
      }
      previousLast = chunk.lastSeq;
    }
  }
  if (previousLast !== null && previousLast !== head.stateSeq) {
    const reason = `the history ends at seq ${previousLast}, the snapshot at seq ${head.stateSeq}`;
    problems.push({ check: "history", seq: previousLast, reason });
  }
  return { chunks, problems };
}

function checkPlace({ firstSeq }: ChunkRow, previousLast: number | null): string | null {
  if (previousLast === null || firstSeq === previousLast + 1) return null;
  return firstSeq <= previousLast
    ? `the chunk overlaps the one before, which ends at seq ${previousLast}`
    : `the history between seq ${previousLast} and this chunk is missing`;
}

function checkChunk(chunk: ChunkRow): string | null {
  try {
    const rows = unpackHistory(chunk.updates);
    // Throws on bytes that are no update; nothing is applied.
    for (const { update } of rows) Y.parseUpdateMeta(update);
    return compareToColumns(chunk, rows);
  } catch (error) {
    return `the chunk cannot be read: ${reasonOf(error)}`;
  }
}

function compareToColumns(chunk: ChunkRow, rows: readonly LoggedUpdate[]): string | null {
  const { firstSeq, lastSeq, updateCount, rawBytes } = chunk;
  const bytes = rows.reduce((sum, { update }) => sum + update.length, 0);
  if (rows[0]?.seq !== firstSeq || rows.at(-1)?.seq !== lastSeq) {
    return `the chunk holds other rows than seq ${firstSeq} to ${lastSeq}`;
  }
  if (rows.length !== updateCount) return `the chunk holds ${rows.length} rows, not ${updateCount}`;
  return bytes === rawBytes ? null : `the chunk holds ${bytes} bytes of updates, not ${rawBytes}`;
}
