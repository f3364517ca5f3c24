import { randomUUID } from "node:crypto";
import * as Y from "yjs";
import { SKELETON, typedUpdates } from "../../bench/content.ts";
import {
  appendUpdates,
  type Author,
  type DocumentBatch,
} from "../../persistence/append-updates.ts";
import type { Sql, SqlOrTransaction } from "../../persistence/database.ts";
import { unpackHistory } from "../../persistence/history.ts";
import type { DocumentAddress } from "../../schema/ids.ts";
import { until } from "./until.ts";

type Address = Pick<DocumentAddress, "documentId" | "part">;

export type LogRow = {
  readonly seq: number;
  readonly update: Uint8Array;
  readonly author: Author;
};

export type Head = { head: number; state: number; projected: number; quarantined: number | null };

const NOBODY: Author = { userId: null, agentId: null };

const TYPIST = 1_000_000_000;

/** Rows in one statement: as many as a busy batch. */
const ROWS_PER_BATCH = 5000;

/** Appends as another process would: again while somebody holds the document. */
export const appendBatch = (sql: SqlOrTransaction, batch: DocumentBatch): Promise<void> =>
  until(async () => (await appendUpdates(sql, [batch]))[0]?.outcome === "appended");

/** Appends updates as they are, one row each, without a server. */
export async function appendRows(
  sql: SqlOrTransaction,
  address: Address,
  updates: readonly Uint8Array[],
  author: Author = NOBODY,
): Promise<void> {
  for (let start = 0; start < updates.length; start += ROWS_PER_BATCH) {
    const rows = updates
      .slice(start, start + ROWS_PER_BATCH)
      .map((update) => ({ update, author, newClients: [] }));
    await appendBatch(sql, { ...address, batchId: randomUUID(), knownHeadSeq: 0, rows });
  }
}

/**
 * A paragraph, then one character a row: at `seq` the text has `seq - 1` characters.
 * The first `count` rows of that history, skeleton included.
 */
export const keystrokeRows = (count: number): Uint8Array[] => [
  SKELETON,
  ...typedUpdates(TYPIST, count - 1),
];

/** The text after `seq` rows of {@link keystrokeRows}. */
export const keystrokeText = (seq: number): string =>
  Array.from({ length: Math.max(0, seq - 1) }, (_, index) =>
    String.fromCharCode(97 + (index % 26)),
  ).join("");

/**
 * Every row there ever was, from the history and the log, in one database snapshot.
 * Throws when a `seq` is missing or there twice: the oracle itself stands on L4 and C3.
 */
export async function readAllRows(sql: Sql, { documentId, part }: Address): Promise<LogRow[]> {
  const [chunks, rows] = await sql.begin(
    "isolation level repeatable read read only",
    async (tx) => [
      await tx<{ updates: Uint8Array }[]>`
      select updates from yjs_history
      where document_id = ${documentId} and part = ${part} order by first_seq`,
      await tx<
        { seq: string; update: Uint8Array; user_id: string | null; agent_id: string | null }[]
      >`
      select seq, update_data as update, user_id, agent_id from yjs_updates
      where document_id = ${documentId} and part = ${part} order by seq`,
    ],
  );
  const all = [
    ...chunks.flatMap(({ updates }) => unpackHistory(updates)),
    ...rows.map((row) => ({
      seq: Number(row.seq),
      update: row.update,
      author: { userId: row.user_id, agentId: row.agent_id },
    })),
  ];
  const wrong = all.findIndex(({ seq }, index) => seq !== index + 1);
  if (wrong !== -1) throw new Error(`seq ${wrong + 1} of ${documentId} is missing or there twice`);
  return all;
}

/** The document as PostgreSQL's rows alone give it, up to `untilSeq`; snapshots have no part in it. */
export async function replayRows(
  sql: Sql,
  address: Address,
  untilSeq = Number.MAX_SAFE_INTEGER,
): Promise<Y.Doc> {
  const doc = new Y.Doc();
  const rows = await readAllRows(sql, address);
  doc.transact(() => {
    for (const { seq, update } of rows) if (seq <= untilSeq) Y.applyUpdate(doc, update);
  });
  return doc;
}

/** The positions of a document in its log. */
export async function readHead(
  sql: SqlOrTransaction,
  { documentId, part }: Address,
): Promise<Head> {
  const [row] = await sql<Head[]>`
    select head_seq::int as head, state_seq::int as state, projected_seq::int as projected,
           quarantined_seq::int as quarantined
    from yjs_documents where document_id = ${documentId} and part = ${part}`;
  if (row === undefined) throw new Error(`${documentId} has no head row`);
  return row;
}

/** How many rows wait in the log. */
export async function countRows(
  sql: SqlOrTransaction,
  { documentId, part }: Address,
): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from yjs_updates where document_id = ${documentId} and part = ${part}`;
  return row?.count ?? 0;
}
