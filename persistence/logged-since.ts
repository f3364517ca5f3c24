import type { SqlOrTransaction } from "./database.ts";
import { unpackHistory, type LoggedUpdate } from "./history.ts";

/** Rows read at once. */
const ROWS_PER_CHUNK = 1000;

type Row = {
  seq: string;
  update_data: Uint8Array;
  user_id: string | null;
  agent_id: string | null;
  created_at: Date;
};

/**
 * The rows of a document's text with `after < seq <= until`, in order, from the history where compaction has moved
 * them there. What the retention has ended for is left out. Wants a repeatable-read transaction: between two
 * statements a compaction moves rows.
 */
export async function* loggedSince(
  tx: SqlOrTransaction,
  documentId: string,
  { after, stateSeq, until }: { after: number; stateSeq: number; until: number },
): AsyncGenerator<LoggedUpdate> {
  if (after < stateSeq) {
    const chunks = tx<{ updates: Uint8Array }[]>`
      select updates from yjs_history
      where document_id = ${documentId} and part = 'content' and last_seq > ${after} and first_seq <= ${until}
      order by first_seq`;
    for await (const rows of chunks.cursor(1)) {
      const unpacked = rows.flatMap(({ updates }) => readable(updates));
      yield* unpacked.filter(({ seq }) => seq > after && seq <= until);
    }
  }
  const rows = tx<Row[]>`
    select seq, update_data, user_id, agent_id, created_at from yjs_updates
    where document_id = ${documentId} and part = 'content' and seq > ${after} and seq <= ${until} order by seq`;
  for await (const batch of rows.cursor(ROWS_PER_CHUNK)) yield* batch.map(toLogged);
}

const toLogged = (row: Row): LoggedUpdate => ({
  seq: Number(row.seq),
  update: row.update_data,
  author: { userId: row.user_id, agentId: row.agent_id },
  createdAtMs: row.created_at.getTime(),
});

/** A chunk that a disk has damaged says nothing; the text, which does not need it, must be projected all the same. */
function readable(chunk: Uint8Array): LoggedUpdate[] {
  try {
    return unpackHistory(chunk);
  } catch {
    return [];
  }
}
