import type { ActivityAction } from "../schema/closed-sets.ts";
import { note, type Actor } from "./activities.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";

/** What happened to a document, and where it is. The rest is what the activity tells beside it. */
type DocumentEvent = {
  readonly action: ActivityAction;
  readonly documentId: string;
  readonly projectId: string;
  readonly organizationId: string;
};

/** What happened in its discussion. Ids only: activities are kept for good. */
export type DiscussionEvent = DocumentEvent & {
  readonly action: "comment_added" | "resolved" | "reopened";
  readonly threadId: string;
  readonly commentId: string;
  /** Where in the discussion's log it is. */
  readonly seq: number;
};

/** What happened to a suggestion for it. Ids and counts only, too. */
export type SuggestionEvent = DocumentEvent & {
  readonly action:
    | "suggested"
    | "suggestion_accepted"
    | "suggestion_rejected"
    | "suggestion_taken_back";
  readonly suggestionId: string;
  readonly hunks: number;
  /** Where in the log of the text it is; null: nothing was written there. */
  readonly seq: number | null;
};

/** Tells the feeds of the document and its project, in the transaction that does it. */
export async function noteDocument(
  tx: SqlOrTransaction,
  by: Actor,
  { action, documentId, projectId, organizationId, ...about }: DiscussionEvent | SuggestionEvent,
): Promise<void> {
  await tx`
    with changed as (
      select ${documentId}::uuid as entity_id, ${projectId}::uuid as project_id,
             ${organizationId}::uuid as organization_id, ${toJsonb(about)}::text::jsonb as about)
    ${note(tx, by, { entity: "document", action })}`;
}
