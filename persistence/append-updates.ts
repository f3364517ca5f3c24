import type { Part } from "../schema/ids.ts";
import { errorCode, LOCK_NOT_AVAILABLE, type Sql, type SqlOrTransaction } from "./database.ts";
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
  /** How often the document had been repaired when the state was loaded that these updates were made on; absent: it is new. */
  readonly repairs?: number;
};

/**
 * What became of one document's batch. `appended`: `headSeq` is its head now. `busy`: another transaction holds its head
 * row, and nothing was appended. `repaired`: it was repaired since it was loaded; nothing was appended, and what was
 * loaded is to be thrown away. A document missing from the answer is gone from the database.
 */
export type Appended = { readonly documentId: string; readonly part: Part } & (
  | { readonly outcome: "appended"; readonly headSeq: number }
  | { readonly outcome: "busy" | "repaired" }
);

type AppendedRow = {
  document_id: string;
  part: Part;
  head_seq: string | null;
  is_current: boolean | null;
};

function toAppended({ document_id, part, head_seq, is_current }: AppendedRow): Appended {
  const of = { documentId: document_id, part };
  if (head_seq !== null) return { ...of, outcome: "appended", headSeq: Number(head_seq) };
  return { ...of, outcome: is_current === null ? "busy" : "repaired" };
}

/**
 * Appends to many documents in one statement, which is one transaction: one COMMIT for all of them.
 *
 * Maintained invariant [L4]: `head_seq` is advanced in the statement that inserts the rows, so the row lock on
 * `yjs_documents` orders writers, and `seq` is gapless and in commit order. A row that somebody else has locked is not
 * waited for: everybody's acknowledgements would wait with it, for as long as a command, another node or an
 * administrator holds one document. They are NO KEY locks: the foreign key of a row that compaction inserts into the
 * history holds a KEY SHARE lock, which FOR UPDATE would be refused for until the compaction is over [C1].
 *
 * A copy that was loaded before a repair may hold what the repair set aside; what is typed on it would wait for that
 * for ever. So it is not appended [L6].
 */
export async function appendUpdates(
  sql: SqlOrTransaction,
  batches: readonly DocumentBatch[],
): Promise<Appended[]> {
  const { rows, clients } = flatten(batches);
  // The bytes travel as one parameter and are cut on the server: an array of bytea would be escaped twice.
  const bytes = Buffer.concat(rows.map(({ update }) => update));
  const documents = await sql<AppendedRow[]>`
    with batch as (
      ${batchTable(sql, batches)}
    ), locked as materialized (
      select d.document_id, d.part, b.batch_id, b.row_count, b.index::int,
             d.repairs = coalesce(b.repairs, d.repairs) as is_current
      from yjs_documents d join batch b using (document_id, part)
      for no key update of d skip locked
    ), heads as (
      update yjs_documents d
      set head_seq = d.head_seq + l.row_count, updated_at = now()
      from locked l
      where d.document_id = l.document_id and d.part = l.part and l.is_current
      returning d.document_id, d.part, d.head_seq, d.head_seq - l.row_count as base_seq, l.index, l.batch_id
    ), appended as (
      insert into yjs_updates (document_id, part, seq, update_data, batch_id, user_id, agent_id)
      select h.document_id, h.part, h.base_seq + r.ordinal, substring(${bytes}::bytea from r.at for r.length),
             h.batch_id, r.user_id, r.agent_id
      from unnest(${column(rows, (r) => r.index)}::text::int[], ${column(rows, (r) => r.ordinal)}::text::int[],
                  ${column(rows, (r) => r.at)}::text::int[], ${column(rows, (r) => r.update.length)}::text::int[],
                  ${column(rows, (r) => r.author.userId)}::text::uuid[],
                  ${column(rows, (r) => r.author.agentId)}::text::uuid[])
           as r(index, ordinal, at, length, user_id, agent_id)
      join heads h using (index))
    ${clients.length === 0 ? sql`` : bindClients(sql, clients)}
    select document_id, part, h.head_seq, l.is_current
    from batch b left join locked l using (document_id, part) left join heads h using (document_id, part)
    where case when l.is_current is null
            then (select true from yjs_documents d where d.document_id = b.document_id and d.part = b.part)
            else true end`;
  return documents.map(toAppended);
}

const batchTable = (sql: SqlOrTransaction, batches: readonly DocumentBatch[]) => sql`
  select * from unnest(${column(batches, (b) => b.documentId)}::text::uuid[],
                       ${column(batches, (b) => b.part)}::text::text[],
                       ${column(batches, (b) => b.batchId)}::text::uuid[],
                       ${column(batches, (b) => b.rows.length)}::text::int[],
                       ${column(batches, (b) => b.repairs ?? null)}::text::int[])
                with ordinality as b(document_id, part, batch_id, row_count, repairs, index)`;

type FlatRow = LogRow & { readonly index: number; readonly ordinal: number; readonly at: number };
type FlatClient = FlatRow & { readonly client: number };

/** The rows of all batches in one list, each with its document's place, its own, and where its bytes begin (from 1). */
function flatten(batches: readonly DocumentBatch[]): { rows: FlatRow[]; clients: FlatClient[] } {
  const rows: FlatRow[] = [];
  let at = 1;
  for (const [index, batch] of batches.entries()) {
    for (const [ordinal, row] of batch.rows.entries()) {
      rows.push({ ...row, index: index + 1, ordinal: ordinal + 1, at });
      at += row.update.length;
    }
  }
  const clients = rows.flatMap((row) => row.newClients.map((client) => ({ ...row, client })));
  return { rows, clients };
}

/**
 * A column as the text of a PostgreSQL array. Written here because this runs for every commit, and the driver looks
 * up a type and escapes for every element. Only for ids, numbers and parts: nothing in them needs quoting.
 */
const column = <T>(rows: readonly T[], value: (row: T) => string | number | null): string =>
  `{${rows.map((row) => value(row) ?? "NULL").join(",")}}`;

/** Binds Yjs client ids to their author: the first that is committed under an id keeps it. */
const bindClients = (sql: SqlOrTransaction, clients: readonly FlatClient[]) => sql`
  , bound as (
    insert into yjs_clients (document_id, part, client_id, user_id, agent_id, first_seq)
    select h.document_id, h.part, c.client_id, c.user_id, c.agent_id, h.base_seq + c.ordinal
    from unnest(${column(clients, (c) => c.index)}::text::int[], ${column(clients, (c) => c.ordinal)}::text::int[],
                ${column(clients, (c) => c.client)}::text::bigint[],
                ${column(clients, (c) => c.author.userId)}::text::uuid[],
                ${column(clients, (c) => c.author.agentId)}::text::uuid[])
         as c(index, ordinal, client_id, user_id, agent_id)
    join heads h using (index)
    on conflict do nothing)`;

/**
 * Appends one document's batch whose earlier attempt may have been committed: its reply was lost.
 *
 * Maintained invariant [L5]: one copy. The head row is locked first, so while an earlier attempt still runs the document
 * is busy; the next statement then sees what it left, in the log or, if it was compacted since, in the history.
 */
export async function appendAgain(sql: Sql, batch: DocumentBatch): Promise<Appended | null> {
  const { documentId, part } = batch;
  try {
    return await sql.begin(async (tx) => {
      const [head] = await tx<AppendedRow[]>`
        select document_id, part, head_seq, repairs = coalesce(${batch.repairs ?? null}::int, repairs) as is_current
        from yjs_documents
        where document_id = ${documentId} and part = ${part} for no key update nowait`;
      if (head === undefined) return null;
      if (head.is_current === false) return { documentId, part, outcome: "repaired" };
      const isUnchanged = Number(head.head_seq) === batch.knownHeadSeq;
      if (!isUnchanged && (await isLogged(tx, batch))) return toAppended(head);
      const [appended] = await appendUpdates(tx, [batch]);
      return appended ?? null;
    });
  } catch (error) {
    if (errorCode(error) === LOCK_NOT_AVAILABLE) return { documentId, part, outcome: "busy" };
    throw error;
  }
}

/** True when an earlier attempt with this batch was committed. */
async function isLogged(tx: SqlOrTransaction, batch: DocumentBatch): Promise<boolean> {
  const { documentId, part, batchId, knownHeadSeq } = batch;
  const found = await tx`
    select 1 from yjs_updates
    where document_id = ${documentId} and part = ${part} and seq > ${knownHeadSeq} and batch_id = ${batchId} limit 1`;
  return found.length > 0 || historyHolds(tx, batch);
}
