import type * as Y from "yjs";
import { createAnchorResolver, type Anchor } from "../schema/anchor.ts";
import type { SqlOrTransaction } from "./database.ts";

/** A thread whose place in the text was lost, or found again. */
export type DetachedChange = { readonly threadId: string; readonly detached: boolean };

/** Looks where the threads about a document's words are now, and answers those for which the column says otherwise. */
export async function compareDetached(
  sql: SqlOrTransaction,
  documentId: string,
  doc: Y.Doc,
): Promise<DetachedChange[]> {
  // A thread stays while a reply is there, though its first comment may be deleted.
  const threads = await sql<{ threadId: string; anchor: Anchor; detached: boolean }[]>`
    select id as "threadId", anchor_data as anchor, detached from comments
    where anchor_data is not null and id in (
      select coalesce(thread_id, id) from comments
      where parent_type = 'document' and parent_id = ${documentId} and deleted_at is null)`;
  if (threads.length === 0) return [];
  const resolver = createAnchorResolver(doc);
  return threads
    .map(({ threadId, anchor, detached }) => ({
      threadId,
      detached: resolver.resolve(anchor) === null,
      before: detached,
    }))
    .filter(({ detached, before }) => detached !== before)
    .map(({ threadId, detached }) => ({ threadId, detached }));
}

/**
 * Writes what has changed. Locks as a comment command does, the discussion's head row and then rows of comments: of
 * the two that comes second waits at the head row, and neither for the other.
 */
export async function writeDetached(
  tx: SqlOrTransaction,
  documentId: string,
  changes: readonly DetachedChange[],
): Promise<void> {
  if (changes.length === 0) return;
  // An UPDATE for the reason that `lockHead` gives.
  await tx`
    update yjs_documents set updated_at = now() where document_id = ${documentId} and part = 'comments'`;
  await tx`
    update comments c set detached = n.detached
    from unnest(${`{${changes.map(({ threadId }) => threadId).join(",")}}`}::text::uuid[],
                ${`{${changes.map(({ detached }) => String(detached)).join(",")}}`}::text::boolean[])
      as n(thread_id, detached)
    where c.id = n.thread_id and c.detached <> n.detached`;
}
