import type { Recipient, InboxKey } from "../../schema/inbox-key.ts";
import { noteDocument, type SuggestionEvent } from "../../persistence/note-document.ts";
import { notify, type Notice } from "../../persistence/notify.ts";
import type { DocumentRow } from "../../persistence/read-document.ts";
import type { SuggestionRow } from "../../persistence/suggestions.ts";
import type { HunkVerdict } from "../../persistence/decide-hunks.ts";
import type { Suggester } from "./suggestions.ts";

type Proposed = Pick<SuggestionRow, "id" | "promptedBy" | "contextSummary"> & {
  readonly hunks: number;
};

/** Of a new suggestion: whoever asked for it and whoever made the document, and the feeds. */
export async function tellOfSuggestion(
  scope: Suggester,
  document: DocumentRow,
  { id, promptedBy, contextSummary, hunks }: Proposed,
): Promise<readonly InboxKey[]> {
  await noteDocument(scope.tx, scope.by, eventOf(document, "suggested", { id, hunks, seq: null }));
  const people = new Set([promptedBy, document.createdBy].filter((userId) => userId !== null));
  // A person does not hear of his own; of what an agent does in his name he does.
  if (scope.author.agentId === null && scope.author.userId !== null) {
    people.delete(scope.author.userId);
  }
  const notices = [...people].map((userId) => ({
    ...noticeOf(scope, document, id),
    recipient: { userId },
    title: `A suggestion for “${document.title}”`,
    body: contextSummary,
    onceKey: `suggestion:${id}`,
  }));
  return notify(scope.tx, notices);
}

type DecidedHunks = {
  readonly suggestion: SuggestionRow;
  readonly decision: HunkVerdict["decision"];
  readonly reason: string | null;
  readonly hunks: number;
  readonly seq: number | null;
};

const ACTIONS = {
  accepted: "suggestion_accepted",
  rejected: "suggestion_rejected",
  taken_back: "suggestion_taken_back",
} as const;

const SAID = { accepted: "Accepted", rejected: "Rejected", taken_back: "Taken back" } as const;

/** Of a decision: whoever proposed it, once for each decision, and the feeds. */
export async function tellOfDecision(
  scope: Suggester,
  document: DocumentRow,
  { suggestion, decision, reason, hunks, seq }: DecidedHunks,
): Promise<readonly InboxKey[]> {
  const { id, agentId, createdBy } = suggestion;
  await noteDocument(scope.tx, scope.by, eventOf(document, ACTIONS[decision], { id, hunks, seq }));
  const isOwn = agentId === null && createdBy === scope.author.userId;
  if (isOwn || (agentId ?? createdBy) === null) return [];
  const recipient: Recipient = agentId === null ? { userId: createdBy ?? "" } : { agentId };
  const pieces = hunks === 1 ? "one change" : `${hunks} changes`;
  return notify(scope.tx, [
    {
      ...noticeOf(scope, document, id),
      recipient,
      title: `${SAID[decision]}: ${pieces} in “${document.title}”`,
      body: reason,
      onceKey: `suggestion:${id}:${scope.by.requestId ?? ""}:${decision}`,
    },
  ]);
}

const eventOf = (
  { id: documentId, projectId, organizationId }: DocumentRow,
  action: SuggestionEvent["action"],
  { id, hunks, seq }: { readonly id: string; readonly hunks: number; readonly seq: number | null },
): SuggestionEvent => ({
  action,
  documentId,
  projectId,
  organizationId,
  suggestionId: id,
  hunks,
  seq,
});

function noticeOf(
  { author: { userId, agentId } }: Suggester,
  { id: documentId, projectId }: DocumentRow,
  suggestionId: string,
): Omit<Notice, "recipient" | "title" | "body" | "onceKey"> {
  return {
    projectId,
    type: "suggestion",
    entityType: "suggestion",
    entityId: suggestionId,
    metadata: {
      documentId,
      ...(userId !== null && { byUserId: userId }),
      ...(agentId !== null && { byAgentId: agentId }),
    },
  };
}
