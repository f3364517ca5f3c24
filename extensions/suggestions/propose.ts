import { randomUUID } from "node:crypto";
import type { CutSuggestion } from "../../persistence/cut-suggestion.ts";
import { readDocument, type DocumentRow } from "../../persistence/read-document.ts";
import {
  countPending,
  insertSuggestion,
  type NewSuggestion,
  pendingBytes,
} from "../../persistence/suggestions.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import type { InboxKey } from "../../schema/inbox-key.ts";
import type { Suggester } from "./suggestions.ts";
import { tellOfSuggestion } from "./telling.ts";

/** What belongs to a suggestion beside its text. */
export type SuggestionNotes = {
  readonly explanations: readonly (string | null)[];
  readonly contextSummary: string | null;
  readonly promptedBy: string | null;
  readonly conversationId: string | null;
};

/** Of one document, that wait: each is judged again whenever the text changes. */
const MAX_PENDING = 5000;
/** The same of their contents, bytes. What comes as the last may go beyond it. */
const MAX_PENDING_BYTES = 16 * 1024 * 1024;

type Doors = {
  readonly ring: (inboxes: readonly InboxKey[]) => void;
  readonly changed: (documentId: string) => void;
};

/** Stores a suggestion and tells of it, in the caller's transaction. @throws ScriptoriumError as `Suggestions.propose`. */
export async function propose(
  { ring, changed }: Doors,
  scope: Suggester,
  { documentId, cut, notes }: { documentId: string; cut: CutSuggestion; notes: SuggestionNotes },
): Promise<string> {
  const { tx, afterCommit } = scope;
  const document = await readDocument(tx, documentId);
  await requireRoom(tx, documentId, cut.hunks.length);
  const { id, hunks, ...suggestion } = newSuggestion(document, scope, cut, notes);
  await insertSuggestion(tx, { id, hunks, ...suggestion });
  const rung = await tellOfSuggestion(scope, document, { id, ...suggestion, hunks: hunks.length });
  afterCommit(() => {
    ring(rung);
    changed(documentId);
  });
  return id;
}

function newSuggestion(
  { id: documentId, projectId }: DocumentRow,
  { author }: Suggester,
  cut: CutSuggestion,
  { explanations, ...notes }: SuggestionNotes,
): NewSuggestion {
  const used = new Set(cut.hunks.map(({ change }) => change));
  const diffs = cut.changes.map(({ op, sectionId, before, after }, index) => ({
    id: randomUUID(),
    op,
    sectionId,
    oldContent: before,
    newContent: after,
    explanation: explanations[index] ?? null,
  }));
  const hunks = cut.hunks.map(({ change, standing: _standing, ...hunk }) => ({
    ...hunk,
    id: randomUUID(),
    diffId: diffs[change]?.id ?? "",
  }));
  return {
    id: randomUUID(),
    documentId,
    projectId,
    agentId: author.agentId,
    createdBy: author.userId,
    baseSeq: cut.baseSeq,
    // Of a whole document only the sections that differ.
    diffs: diffs.filter((_, index) => used.has(index)),
    hunks,
    ...notes,
  };
}

async function requireRoom(tx: Suggester["tx"], documentId: string, hunks: number): Promise<void> {
  if (hunks === 0) {
    throw new ScriptoriumError("bad_request", "The document says all of this already");
  }
  const isTooMany = (await countPending(tx, documentId)) + hunks > MAX_PENDING;
  if (isTooMany || (await pendingBytes(tx, documentId)) > MAX_PENDING_BYTES) {
    throw new ScriptoriumError(
      "conflict",
      "Too much waits for a decision in this document: what was suggested before has to be decided first",
    );
  }
}
