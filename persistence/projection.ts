import * as Y from "yjs";
import { plainText } from "../schema/content-text.ts";
import type { InboxKey } from "../schema/inbox-key.ts";
import { mentionsIn, type Mention } from "../schema/mentions.ts";
import { textSize, type TextSize } from "../schema/text-size.ts";
import { yDocDiagram, yDocToContent } from "../schema/yjs-content.ts";
import { DEADLOCK_DETECTED, errorCode, type Sql, type SqlOrTransaction } from "./database.ts";
import { compareWords, writeWords, type WordsChange } from "./document-words.ts";
import { compareDetached, writeDetached, type DetachedChange } from "./detached-threads.ts";
import { addBursts, measureEdits, type MeasuredEdits } from "./edit-bursts.ts";
import { toJsonb, withoutNul } from "./jsonb.ts";
import { loadDocument, type StoredDocument } from "./load-document.ts";
import { loggedSince } from "./logged-since.ts";
import { replaceMentions } from "./mentions.ts";
import { readWriters, type Writers } from "./mention-writers.ts";
import { markQuarantined } from "./quarantine.ts";

/** `projected`: the columns now say what the log said at `seq`. `current`: they already did. `quarantined`: it cannot be loaded. */
export type ProjectionResult = {
  readonly outcome: "projected" | "current" | "quarantined";
  readonly seq: number;
  /** Edits were added to somebody's burst, which ends when he has been quiet for a while. */
  readonly hasEdits: boolean;
  /** Whose inboxes have something new. */
  readonly rung: readonly InboxKey[];
  readonly tookMs: number;
};

type Outcome = Omit<ProjectionResult, "tookMs">;

const nothing = (outcome: "current" | "quarantined", seq: number): Outcome => ({
  outcome,
  seq,
  hasEdits: false,
  rung: [],
});

/** How often a projection that was overtaken is begun again; then the sweep looks whether anything is left to do. */
const MAX_ATTEMPTS = 5;

/**
 * Derives what SQL needs to know of a document from its committed state: its JSON, its diagram and its text, how much
 * text that is, the words for the search, whom it mentions, who edited how much of it, and which discussions have lost
 * their place in it.
 *
 * Maintained invariant [P1]: all this and `projected_seq` change in one transaction, which moves the position only
 * from where it was read. So a crash in between is caught up by the next run, a slow projection cannot undo a newer
 * one, no row of the log is counted twice, and a mention is told of with the text that it stands in.
 */
export async function projectDocument(sql: Sql, documentId: string): Promise<ProjectionResult> {
  const beganMs = performance.now();
  let result: Outcome | null = null;
  for (let attempt = 1; result === null && attempt <= MAX_ATTEMPTS; attempt += 1) {
    result = await attemptProjection(sql, documentId);
  }
  return { ...(result ?? nothing("current", 0)), tookMs: performance.now() - beganMs };
}

/** Answers null when another projection was faster, or PostgreSQL chose this transaction to end a deadlock. */
async function attemptProjection(sql: Sql, documentId: string): Promise<Outcome | null> {
  const doc = new Y.Doc({ gc: true });
  try {
    const { stored, bursts, newFrom } = await sql.begin(
      "isolation level repeatable read read only",
      (tx) => readState(tx, documentId, doc),
    );
    const seq = stored.headSeq;
    if (stored.quarantine !== null) {
      // Or every sweep would meet it again, and a hundred of them would keep all others from their turn.
      await markQuarantined(sql, { documentId, part: "content" }, stored.quarantine);
      return nothing("quarantined", seq);
    }
    if (stored.projectedSeq >= seq) return nothing("current", seq);
    const derived = await derive(sql, documentId, { doc, newFrom });
    const rung = await write(sql, documentId, { ...derived, bursts, stored });
    return rung === null ? null : { outcome: "projected", seq, hasEdits: bursts.length > 0, rung };
  } finally {
    doc.destroy();
  }
}

type State = MeasuredEdits & { readonly stored: StoredDocument };

/** In one database snapshot: a compaction moves rows to the history. */
async function readState(tx: SqlOrTransaction, documentId: string, doc: Y.Doc): Promise<State> {
  const stored = await loadDocument(tx, { documentId, part: "content" }, doc);
  const { projectedSeq: after, stateSeq, headSeq: until, quarantine } = stored;
  // Below 0: everything is to be derived again, but the edits have been told of.
  if (quarantine !== null || after >= until || after < 0) {
    return { stored, bursts: [], newFrom: new Map() };
  }
  const rows = loggedSince(tx, documentId, { after, stateSeq, until });
  return { stored, ...(await measureEdits(rows, doc)) };
}

type Derived = {
  readonly content: string;
  readonly text: string;
  readonly diagram: string | null;
  readonly words: WordsChange;
  readonly mentions: readonly Mention[];
  readonly writers: Writers;
  readonly detached: readonly DetachedChange[];
};

/** What takes long is done here, before the transaction that others may have to wait for. */
async function derive(
  sql: Sql,
  documentId: string,
  { doc, newFrom }: Pick<State, "newFrom"> & { readonly doc: Y.Doc },
): Promise<Derived> {
  const content = yDocToContent(doc);
  const diagram = yDocDiagram(doc);
  const text = withoutNul(plainText(content));
  const mentions = mentionsIn(content);
  return {
    content: toJsonb(content),
    text,
    diagram: diagram === null ? null : withoutNul(diagram),
    words: await compareWords(sql, documentId, text),
    mentions,
    writers: await readWriters(sql, documentId, mentions.length === 0 ? null : { doc, newFrom }),
    detached: await compareDetached(sql, documentId, doc),
  };
}

/** Ends a transaction that found another projection had been faster. */
class Overtaken extends Error {}

/**
 * Answers whose inboxes have something new, or null when nothing was written.
 *
 * The head row comes last, as in a compaction: whoever appends has to wait for the COMMIT only. Before it the locks
 * are taken in the order of the commands: the document, its discussion, inboxes; then bursts.
 */
async function write(
  sql: Sql,
  documentId: string,
  projected: Derived & Omit<State, "newFrom">,
): Promise<InboxKey[] | null> {
  const { stored } = projected;
  const size = textSize(projected.text);
  const writing = sql.begin(async (tx) => {
    await writeWords(tx, documentId, projected.words);
    const projectId = await writeColumns(tx, documentId, { ...projected, size });
    await writeDetached(tx, documentId, projected.detached);
    const rung = await replaceMentions(tx, {
      sourceType: "document",
      sourceId: documentId,
      projectId,
      documentId,
      mentions: projected.mentions,
      authorOf: projected.writers,
    });
    await addBursts(tx, documentId, projected.bursts);
    const moved = await tx`
      update yjs_documents set projected_seq = ${stored.headSeq}
      where document_id = ${documentId} and part = 'content' and projected_seq = ${stored.projectedSeq}`;
    if (moved.count === 0) throw new Overtaken();
    return rung;
  });
  return writing.catch((error: unknown) => {
    if (error instanceof Overtaken || errorCode(error) === DEADLOCK_DETECTED) return null;
    throw error;
  });
}

/** Answers the document's project. A document that has just been deleted for good has no head row to move either. */
async function writeColumns(
  tx: SqlOrTransaction,
  documentId: string,
  { content, text, diagram, size }: Derived & { readonly size: TextSize },
): Promise<string> {
  const [row] = await tx<{ projectId: string }[]>`
    update documents
    set content = ${content}::text::jsonb, content_text = ${text}, diagram_source = ${diagram},
        word_count = ${size.words}, character_count = ${size.characters}
    where id = ${documentId} returning project_id as "projectId"`;
  if (row === undefined) throw new Overtaken();
  return row.projectId;
}
