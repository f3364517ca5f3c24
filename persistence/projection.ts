import * as Y from "yjs";
import { plainText } from "../schema/content-text.ts";
import { textSize } from "../schema/text-size.ts";
import { yDocDiagram, yDocToContent } from "../schema/yjs-content.ts";
import { DEADLOCK_DETECTED, errorCode, type Sql, type SqlOrTransaction } from "./database.ts";
import { compareWords, writeWords, type WordsChange } from "./document-words.ts";
import { addBursts, measureBursts, type EditBurst } from "./edit-bursts.ts";
import { toJsonb, withoutNul } from "./jsonb.ts";
import { loadDocument, type StoredDocument } from "./load-document.ts";
import { loggedSince } from "./logged-since.ts";
import { markQuarantined } from "./quarantine.ts";

/** `projected`: the columns now say what the log said at `seq`. `current`: they already did. `quarantined`: it cannot be loaded. */
export type ProjectionResult = {
  readonly outcome: "projected" | "current" | "quarantined";
  readonly seq: number;
  /** Edits were added to somebody's burst, which ends when he has been quiet for a while. */
  readonly hasEdits: boolean;
  readonly tookMs: number;
};

/** How often a projection that was overtaken is begun again; then the sweep looks whether anything is left to do. */
const MAX_ATTEMPTS = 5;

/**
 * Derives what SQL needs to know of a document from its committed state: its JSON, its diagram and its text, how much
 * text that is, the words for the search, and who edited how much of it.
 *
 * Maintained invariant [P1]: all this and `projected_seq` change in one transaction, which moves the position only
 * from where it was read. So a crash in between is caught up by the next run, a slow projection cannot undo a newer
 * one, and no row of the log is counted twice.
 */
export async function projectDocument(sql: Sql, documentId: string): Promise<ProjectionResult> {
  const beganMs = performance.now();
  let result: Omit<ProjectionResult, "tookMs"> | null = null;
  for (let attempt = 1; result === null && attempt <= MAX_ATTEMPTS; attempt += 1) {
    result = await attemptProjection(sql, documentId);
  }
  const overtaken = { outcome: "current", seq: 0, hasEdits: false } as const;
  return { ...(result ?? overtaken), tookMs: performance.now() - beganMs };
}

/** Answers null when another projection was faster, or PostgreSQL chose this transaction to end a deadlock. */
async function attemptProjection(
  sql: Sql,
  documentId: string,
): Promise<Omit<ProjectionResult, "tookMs"> | null> {
  const doc = new Y.Doc({ gc: true });
  try {
    const { stored, bursts } = await sql.begin("isolation level repeatable read read only", (tx) =>
      readState(tx, documentId, doc),
    );
    const seq = stored.headSeq;
    if (stored.quarantine !== null) {
      // Or every sweep would meet it again, and a hundred of them would keep all others from their turn.
      await markQuarantined(sql, { documentId, part: "content" }, stored.quarantine);
      return { outcome: "quarantined", seq, hasEdits: false };
    }
    if (stored.projectedSeq >= seq) return { outcome: "current", seq, hasEdits: false };
    const derived = await derive(sql, documentId, doc);
    const isWritten = await write(sql, documentId, { ...derived, bursts, stored });
    return isWritten ? { outcome: "projected", seq, hasEdits: bursts.length > 0 } : null;
  } finally {
    doc.destroy();
  }
}

type State = { readonly stored: StoredDocument; readonly bursts: readonly EditBurst[] };

/** In one database snapshot: a compaction moves rows to the history. */
async function readState(tx: SqlOrTransaction, documentId: string, doc: Y.Doc): Promise<State> {
  const stored = await loadDocument(tx, { documentId, part: "content" }, doc);
  const { projectedSeq: after, stateSeq, headSeq: until, quarantine } = stored;
  // Below 0: everything is to be derived again, but the edits have been told of.
  if (quarantine !== null || after >= until || after < 0) return { stored, bursts: [] };
  const rows = loggedSince(tx, documentId, { after, stateSeq, until });
  return { stored, bursts: await measureBursts(rows, doc) };
}

type Derived = {
  readonly content: string;
  readonly text: string;
  readonly diagram: string | null;
  readonly words: WordsChange;
};

/** What takes long is done here, before the transaction that others may have to wait for. */
async function derive(sql: Sql, documentId: string, doc: Y.Doc): Promise<Derived> {
  const content = yDocToContent(doc);
  const diagram = yDocDiagram(doc);
  const text = withoutNul(plainText(content));
  return {
    content: toJsonb(content),
    text,
    diagram: diagram === null ? null : withoutNul(diagram),
    words: await compareWords(sql, documentId, text),
  };
}

/** Ends a transaction that found another projection had been faster. */
class Overtaken extends Error {}

/**
 * The head row comes last, as in a compaction: whoever appends has to wait for the COMMIT only. Before it the locks
 * are taken in this order: words, document, bursts.
 */
async function write(sql: Sql, documentId: string, projected: Derived & State): Promise<boolean> {
  const { stored, content, text, diagram } = projected;
  const { words, characters } = textSize(text);
  const writing = sql.begin(async (tx) => {
    await writeWords(tx, documentId, projected.words);
    await tx`
      update documents
      set content = ${content}::text::jsonb, content_text = ${text}, diagram_source = ${diagram},
          word_count = ${words}, character_count = ${characters}
      where id = ${documentId}`;
    await addBursts(tx, documentId, projected.bursts);
    const moved = await tx`
      update yjs_documents set projected_seq = ${stored.headSeq}
      where document_id = ${documentId} and part = 'content' and projected_seq = ${stored.projectedSeq}`;
    if (moved.count === 0) throw new Overtaken();
  });
  return writing.then(
    () => true,
    (error: unknown) => {
      if (error instanceof Overtaken || errorCode(error) === DEADLOCK_DETECTED) return false;
      throw error;
    },
  );
}
