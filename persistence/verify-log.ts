import { isDeepStrictEqual } from "node:util";
import * as Y from "yjs";
import type { Part } from "../schema/ids.ts";
import type { SqlOrTransaction } from "./database.ts";
import { hasPending, loadDocument } from "./load-document.ts";
import { difference } from "./proof.ts";
import { applySnapshot, encodeSnapshot } from "./snapshot-encoding.ts";

/** What is wrong with a document, at which seq of its log if it has one, in words for a person. */
export type Problem = {
  readonly check:
    | "log"
    | "load"
    | "snapshot"
    | "state_vector"
    | "clients"
    | "quarantine"
    | "projection"
    | "history"
    | "versions"
    | "comments";
  readonly seq: number | null;
  readonly reason: string;
};

/** One part of a document as its head row describes it. */
export type Head = {
  readonly documentId: string;
  readonly part: Part;
  readonly headSeq: number;
  readonly stateSeq: number;
  readonly projectedSeq: number;
  readonly stateVector: Uint8Array | null;
  readonly quarantinedSeq: number | null;
};

/** What an exception says, on one line: it is put into a list. */
export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/gu, " ").slice(0, 200);

/** Missing stretches named before it is called a gap-ridden log and the list ends. */
const MAX_GAPS = 20;

/** Where `seq` is not 1 more than before: between the snapshot and the head every row must be there, once [L4]. */
export async function findGaps(tx: SqlOrTransaction, head: Head): Promise<Problem[]> {
  const { documentId, part, headSeq, stateSeq } = head;
  const gaps = await tx<{ from: number; to: number }[]>`
    with numbered as (
      select seq, lag(seq, 1, ${stateSeq}::bigint) over (order by seq) as previous
      from (select seq from yjs_updates
            where document_id = ${documentId} and part = ${part} and seq > ${stateSeq} and seq <= ${headSeq}
            union all select ${headSeq}::bigint + 1) as seqs
    )
    select (previous + 1)::float8 as "from", (seq - 1)::float8 as "to"
    from numbered where seq <> previous + 1 order by seq limit ${MAX_GAPS}`;
  const strays = await tx<{ seq: number }[]>`
    select seq::float8 from yjs_updates
    where document_id = ${documentId} and part = ${part} and (seq <= ${stateSeq} or seq > ${headSeq})
    order by seq limit ${MAX_GAPS}`;
  return [
    ...gaps.map(({ from, to }) => ({
      check: "log" as const,
      seq: from,
      reason: from === to ? "the row is missing" : `the rows up to seq ${to} are missing`,
    })),
    ...strays.map(({ seq }) => ({
      check: "log" as const,
      seq,
      reason:
        seq > headSeq
          ? `the row lies beyond the head, seq ${headSeq}`
          : `the row was left although the snapshot reaches seq ${stateSeq}`,
    })),
  ];
}

/** Loads a part into `doc`. Null when that gave a whole document; else why not, and at which row. */
export async function checkLoads(
  tx: SqlOrTransaction,
  head: Head,
  doc: Y.Doc,
): Promise<Problem | null> {
  const { quarantine } = await loadDocument(tx, head, doc);
  if (quarantine === null) return null;
  const pending = hasPending(doc) && quarantine.seq === head.headSeq;
  const seq = pending ? await firstPending(tx, head) : quarantine.seq;
  return { check: "load", seq, reason: reasonOf(quarantine.reason) };
}

/** The first row that waits for a missing one. Every prefix of a sound log is whole [L6], so halving finds it. */
async function firstPending(tx: SqlOrTransaction, head: Head): Promise<number> {
  let whole = head.stateSeq;
  let waits = head.headSeq;
  while (whole < waits) {
    const middle = Math.floor((whole + waits) / 2);
    const doc = new Y.Doc({ gc: true });
    await loadDocument(tx, head, doc, middle);
    if (hasPending(doc)) waits = middle;
    else whole = middle + 1;
    doc.destroy();
  }
  return waits;
}

/** The snapshot says what its state vector says, and the document survives being written and read again. */
export async function checkSnapshot(
  tx: SqlOrTransaction,
  head: Head,
  doc: Y.Doc,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  if (head.stateSeq > 0) {
    const snapshot = new Y.Doc({ gc: true });
    await loadDocument(tx, head, snapshot, head.stateSeq);
    const reason = compareStateVector(head.stateVector, snapshot);
    if (reason !== null) problems.push({ check: "state_vector", seq: head.stateSeq, reason });
    snapshot.destroy();
  }
  const again = new Y.Doc({ gc: true });
  applySnapshot(again, encodeSnapshot(doc), "v2+zstd", null);
  const differs = difference(doc, again);
  again.destroy();
  if (differs === null) return problems;
  const reason = `written and read again, the ${differs}`;
  return [...problems, { check: "snapshot", seq: head.headSeq, reason }];
}

/** Why a stored state vector is not that of this document; null when it is. */
export function compareStateVector(stored: Uint8Array | null, snapshot: Y.Doc): string | null {
  if (stored === null) return "the snapshot has no state vector";
  try {
    // By client and clock: two encodings of one vector may name the clients in another order.
    const same = isDeepStrictEqual(
      Y.decodeStateVector(stored),
      Y.decodeStateVector(Y.encodeStateVector(snapshot)),
    );
    return same ? null : "the stored state vector is not that of the snapshot";
  } catch (error) {
    return `the stored state vector cannot be read: ${reasonOf(error)}`;
  }
}

/** Every Yjs client that wrote is bound to an author. */
export async function checkClients(
  tx: SqlOrTransaction,
  head: Head,
  doc: Y.Doc,
): Promise<Problem[]> {
  const rows = await tx<{ client: string }[]>`
    select client_id as client from yjs_clients
    where document_id = ${head.documentId} and part = ${head.part}`;
  const bound = new Set(rows.map(({ client }) => Number(client)));
  return [...doc.store.clients.keys()]
    .filter((client) => !bound.has(client))
    .map((client) => ({
      check: "clients",
      seq: null,
      reason: `nobody is bound to the Yjs client ${client}, which wrote in it`,
    }));
}
