import type { Part } from "../schema/ids.ts";
import type { Sql, SqlOrTransaction } from "./database.ts";
import { historyHolds } from "./history.ts";

/** Who wrote an update: a user, or an agent and the person it acts for. Null where nobody signed in (tests, imports). */
export type Author = { readonly userId: string | null; readonly agentId: string | null };

/** Consecutive updates of one author, merged: one row of `yjs_updates`. */
export type LogRow = {
  readonly update: Uint8Array;
  readonly author: Author;
  /** Yjs client ids first seen in this row: bound to its author (`yjs_clients`). */
  readonly newClients: readonly number[];
};

/** What one document has to append at once. It is retried unchanged, under the same id, until its fate is known. */
export type DocumentBatch = {
  readonly documentId: string;
  readonly part: Part;
  readonly batchId: string;
  readonly rows: readonly LogRow[];
  /** The head this process knew when the batch was made. */
  readonly knownHeadSeq: number;
};

/** The head of a document after an append. A document missing from the answer is gone from the database. */
export type AppendedHead = { documentId: string; part: Part; headSeq: number };

type HeadRow = { document_id: string; part: Part; head_seq: string };

const toHead = (row: HeadRow): AppendedHead => ({
  documentId: row.document_id,
  part: row.part,
  headSeq: Number(row.head_seq),
});

/**
 * Appends to many documents in one statement, which is one transaction: one COMMIT for all of them.
 *
 * Maintained invariant [L4]: `head_seq` is advanced in the statement that inserts the rows, so the row lock on
 * `yjs_documents` orders writers, and `seq` is gapless and in commit order. The locks are taken in key order:
 * two nodes that append to the same documents wait for each other, they do not deadlock.
 */
export async function appendUpdates(
  sql: SqlOrTransaction,
  batches: readonly DocumentBatch[],
): Promise<AppendedHead[]> {
  const rows = batches.flatMap((batch, index) =>
    batch.rows.map((row, ordinal) => ({ index: index + 1, ordinal: ordinal + 1, ...row })),
  );
  let offset = 1;
  const offsets = rows.map(({ update }) => {
    const at = offset;
    offset += update.length;
    return at;
  });
  const clients = rows.flatMap((row) => row.newClients.map((client) => ({ ...row, client })));
  // The bytes travel as one parameter and are cut on the server: an array of bytea would be escaped twice.
  const bytes = Buffer.concat(rows.map(({ update }) => update));
  const bound =
    clients.length === 0
      ? sql``
      : sql`, bound as (
          insert into yjs_clients (document_id, part, client_id, user_id, agent_id, first_seq)
          select h.document_id, h.part, c.client_id, c.user_id, c.agent_id, h.base_seq + c.ordinal
          from unnest(${clients.map((c) => c.index)}::int[], ${clients.map((c) => c.ordinal)}::int[],
                      ${clients.map((c) => c.client)}::bigint[], ${clients.map((c) => c.author.userId)}::uuid[],
                      ${clients.map((c) => c.author.agentId)}::uuid[])
               as c(index, ordinal, client_id, user_id, agent_id)
          join heads h using (index)
          on conflict do nothing)`;
  const heads = await sql<HeadRow[]>`
    with batch as (
      select * from unnest(${batches.map((b) => b.documentId)}::uuid[], ${batches.map((b) => b.part)}::text[],
                           ${batches.map((b) => b.batchId)}::uuid[], ${batches.map((b) => b.rows.length)}::int[])
                    with ordinality as b(document_id, part, batch_id, row_count, index)
    ), locked as materialized (
      select d.document_id, d.part, b.batch_id, b.row_count, b.index::int
      from yjs_documents d join batch b using (document_id, part)
      order by d.document_id, d.part
      for update of d
    ), heads as (
      update yjs_documents d
      set head_seq = d.head_seq + l.row_count, updated_at = now()
      from locked l
      where d.document_id = l.document_id and d.part = l.part
      returning d.document_id, d.part, d.head_seq, d.head_seq - l.row_count as base_seq, l.index, l.batch_id
    ), appended as (
      insert into yjs_updates (document_id, part, seq, update_data, batch_id, user_id, agent_id)
      select h.document_id, h.part, h.base_seq + r.ordinal, substring(${bytes}::bytea from r.at for r.length),
             h.batch_id, r.user_id, r.agent_id
      from unnest(${rows.map((r) => r.index)}::int[], ${rows.map((r) => r.ordinal)}::int[],
                  ${offsets}::int[], ${rows.map((r) => r.update.length)}::int[],
                  ${rows.map((r) => r.author.userId)}::uuid[], ${rows.map((r) => r.author.agentId)}::uuid[])
           as r(index, ordinal, at, length, user_id, agent_id)
      join heads h using (index))
    ${bound}
    select document_id, part, head_seq from heads`;
  return heads.map(toHead);
}

/**
 * Appends one document's batch whose earlier attempt may have been committed: its reply was lost.
 *
 * Maintained invariant [L5]: one copy. The head row is locked first, so an earlier attempt that still runs is
 * waited for; the next statement then sees what it left, in the log or, if it was compacted since, in the history.
 */
export async function appendAgain(sql: Sql, batch: DocumentBatch): Promise<AppendedHead | null> {
  const { documentId, part, batchId } = batch;
  const heads = await sql.begin(async (tx) => {
    const locked = await tx<HeadRow[]>`
      select document_id, part, head_seq from yjs_documents
      where document_id = ${documentId} and part = ${part} for update`;
    const [head] = locked;
    if (head === undefined) return [];
    if (Number(head.head_seq) === batch.knownHeadSeq) return appendUpdates(tx, [batch]);
    const found = await tx`
      select 1 from yjs_updates
      where document_id = ${documentId} and part = ${part} and seq > ${batch.knownHeadSeq}
        and batch_id = ${batchId} limit 1`;
    if (found.length > 0 || (await historyHolds(tx, batch))) return [toHead(head)];
    return appendUpdates(tx, [batch]);
  });
  return heads[0] ?? null;
}
