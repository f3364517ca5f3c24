import * as Y from "yjs";
import type { Sql } from "../../persistence/database.ts";
import { unpackHistory } from "../../persistence/history.ts";
import { loadDocument } from "../../persistence/load-document.ts";
import type { Oracle } from "./oracle.ts";
import { until } from "./until.ts";

/** The text that typists and the oracle share. */
export const TEXT = "diagram";

/** A document as PostgreSQL alone holds it. @throws when it cannot be loaded whole. */
export async function replay(sql: Sql, documentId: string): Promise<Y.Doc> {
  const doc = new Y.Doc();
  const { quarantine } = await loadDocument(sql, { documentId, part: "content" }, doc);
  if (quarantine !== null) throw new Error(`${documentId}: ${JSON.stringify(quarantine)}`);
  return doc;
}

/** What is wrong in PostgreSQL: acknowledged edits that are missing, gaps in the log, rows that are there twice. */
export async function faultsInDatabase(sql: Sql, oracle: Oracle): Promise<string[]> {
  const faults: string[] = [];
  for (const documentId of oracle.documentIds) {
    const doc = await replay(sql, documentId);
    faults.push(...oracle.faultsOf(documentId, doc.getText(TEXT).toJSON()));
    faults.push(...(await faultsOfLog(sql, documentId)));
    doc.destroy();
  }
  return faults;
}

/** What is wrong with the log itself: the history and the rows after it, which must be seq 1 to the head, each change once. */
async function faultsOfLog(sql: Sql, documentId: string): Promise<string[]> {
  const [head] = await sql<{ head_seq: string }[]>`
    select head_seq from yjs_documents where document_id = ${documentId} and part = 'content'`;
  const rows = await loggedRows(sql, documentId);
  const gaps = rows.findIndex(({ seq }, index) => seq !== index + 1);
  const faults = gaps === -1 ? [] : [`${documentId}: seq ${gaps + 1} is not where it belongs`];
  if (rows.length !== Number(head?.head_seq)) {
    faults.push(`${documentId}: ${rows.length} rows, head ${head?.head_seq ?? "missing"}`);
  }
  const clocks = new Map<number, number>();
  for (const { seq, update } of rows) {
    const { from, to } = Y.parseUpdateMeta(update);
    for (const [client, start] of from) {
      const expected = clocks.get(client) ?? 0;
      if (start !== expected) {
        faults.push(`${documentId}: row ${seq} starts at ${client}:${start}, not ${expected}`);
      }
      clocks.set(client, to.get(client) ?? start);
    }
  }
  return faults;
}

async function loggedRows(
  sql: Sql,
  documentId: string,
): Promise<{ seq: number; update: Uint8Array }[]> {
  const chunks = await sql<{ updates: Uint8Array }[]>`
    select updates from yjs_history
    where document_id = ${documentId} and part = 'content' order by first_seq`;
  const tail = await sql<{ seq: string; update: Uint8Array }[]>`
    select seq, update_data as update from yjs_updates
    where document_id = ${documentId} and part = 'content' order by seq`;
  return [
    ...chunks.flatMap(({ updates }) => unpackHistory(updates)),
    ...tail.map(({ seq, update }) => ({ seq: Number(seq), update })),
  ];
}

/** Waits until PostgreSQL has ended the connections of a server that was killed: the last may still be committing. */
export const untilServerForgotten = (sql: Sql): Promise<void> =>
  until(
    async () => {
      const [row] = await sql<{ count: number }[]>`
        select count(*)::int as count from pg_stat_activity
        where datname = current_database() and application_name like 'scriptorium%'
          and application_name <> 'scriptorium-test'`;
      return row?.count === 0;
    },
    { describe: "PostgreSQL has ended the connections of the killed server" },
  );

/** How documents that should be equal differ, in words: state vector, delete set, JSON. */
export function differences(docs: readonly Y.Doc[]): string[] {
  const [first, ...others] = docs;
  if (first === undefined) return ["no documents"];
  return others.flatMap((other, index) => {
    const same = {
      "state vector": Buffer.from(Y.encodeStateVector(first)).equals(Y.encodeStateVector(other)),
      "delete set": Y.equalSnapshots(Y.snapshot(first), Y.snapshot(other)),
      text: first.getText(TEXT).toJSON() === other.getText(TEXT).toJSON(),
    };
    return Object.entries(same)
      .filter(([, equal]) => !equal)
      .map(([what]) => `document ${index + 1}: its ${what} differs`);
  });
}
