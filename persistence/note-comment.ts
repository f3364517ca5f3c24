import { note, type Actor } from "./activities.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";

/** What happened in the discussion of a document. Ids only: activities are kept for good. */
export type DiscussionEvent = {
  readonly action: "comment_added" | "resolved" | "reopened";
  readonly documentId: string;
  readonly projectId: string;
  readonly organizationId: string;
  readonly threadId: string;
  readonly commentId: string;
  /** Where in the discussion's log it is. */
  readonly seq: number;
};

/** Tells the feeds of the document and its project, in the transaction that does it. */
export async function noteComment(
  tx: SqlOrTransaction,
  by: Actor,
  { action, documentId, projectId, organizationId, ...about }: DiscussionEvent,
): Promise<void> {
  await tx`
    with changed as (
      select ${documentId}::uuid as entity_id, ${projectId}::uuid as project_id,
             ${organizationId}::uuid as organization_id, ${toJsonb(about)}::text::jsonb as about)
    ${note(tx, by, { entity: "document", action })}`;
}
