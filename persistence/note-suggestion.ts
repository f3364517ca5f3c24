import { note, type Actor } from "./activities.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";

/** What happened to a suggestion. Ids and counts only: activities are kept for good. */
export type SuggestionEvent = {
  readonly action:
    | "suggested"
    | "suggestion_accepted"
    | "suggestion_rejected"
    | "suggestion_taken_back";
  readonly documentId: string;
  readonly projectId: string;
  readonly organizationId: string;
  readonly suggestionId: string;
  readonly hunks: number;
  /** Where in the log it is; null: nothing was written there. */
  readonly seq: number | null;
};

/** Tells the feeds of the document and its project, in the transaction that does it. */
export async function noteSuggestion(
  tx: SqlOrTransaction,
  by: Actor,
  { action, documentId, projectId, organizationId, ...about }: SuggestionEvent,
): Promise<void> {
  await tx`
    with changed as (
      select ${documentId}::uuid as entity_id, ${projectId}::uuid as project_id,
             ${organizationId}::uuid as organization_id, ${toJsonb(about)}::text::jsonb as about)
    ${note(tx, by, { entity: "document", action })}`;
}
