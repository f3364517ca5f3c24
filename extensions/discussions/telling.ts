import type { JSONContent } from "@tiptap/core";
import type { Actor } from "../../persistence/activities.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import { replaceMentions } from "../../persistence/mentions.ts";
import { noteDocument, type DiscussionEvent } from "../../persistence/note-document.ts";
import { notify, type Notice } from "../../persistence/notify.ts";
import { readDocument, type DocumentRow } from "../../persistence/read-document.ts";
import { plainText } from "../../schema/content-text.ts";
import { whoOf, type Comment, type Thread, type Writer } from "../../schema/discussion.ts";
import type { InboxKey } from "../../schema/inbox-key.ts";
import { mentionsIn } from "../../schema/mentions.ts";

/** What was changed, in the transaction that changes it: a comment as it is now, and its thread. */
export type Told = {
  readonly tx: SqlOrTransaction;
  /** Where in the discussion's log it is. */
  readonly seq: number;
  readonly documentId: string;
  readonly by: Actor;
  /** Who does it. */
  readonly author: Writer;
  readonly thread: Thread;
  readonly comment: Comment;
};

const MAX_EXCERPT = 200;

/** Of a new comment: whom it mentions, who takes part in its thread, and the feeds. */
export async function tellOfComment(told: Told): Promise<readonly InboxKey[]> {
  const { tx, thread, comment } = told;
  const document = await readDocument(tx, told.documentId);
  await note(told, document, "comment_added");
  const isReply = comment.id !== thread.id;
  const recipients = isReply ? participants(told) : [];
  const notices = recipients.map((recipient): Notice => ({
    ...noticeOf(told, document),
    recipient,
    type: "comment_reply",
    title: `A reply in “${document.title}”`,
    onceKey: `comment_reply:${comment.id}`,
  }));
  return tellMentioned(told, document, notices);
}

/** Of other words, or none: whom they mention now. */
export async function tellOfEdit(told: Told): Promise<readonly InboxKey[]> {
  return tellMentioned(told, await readDocument(told.tx, told.documentId), []);
}

/** Of a thread that was resolved or opened again. */
export async function tellOfState(told: Told): Promise<readonly InboxKey[]> {
  const { tx, thread } = told;
  const document = await readDocument(tx, told.documentId);
  await note(told, document, thread.resolved === null ? "reopened" : "resolved");
  if (thread.resolved === null) return [];
  const { at } = thread.resolved;
  const notices = participants(told).map((recipient): Notice => ({
    ...noticeOf(told, document),
    recipient,
    type: "thread_resolved",
    title: `Resolved in “${document.title}”`,
    onceKey: `thread_resolved:${thread.id}:${at}`,
  }));
  return notify(tx, notices);
}

const tellMentioned = (
  { tx, documentId, thread, comment }: Told,
  { projectId }: DocumentRow,
  alsoTell: readonly Notice[],
): Promise<readonly InboxKey[]> =>
  replaceMentions(tx, {
    sourceType: "comment",
    sourceId: comment.id,
    projectId,
    documentId,
    threadId: thread.id,
    body: excerpt(comment.content),
    mentions: mentionsIn(comment.content),
    authorOf: () => comment.author,
    alsoTell,
  });

const note = (
  { tx, by, seq, documentId, thread, comment }: Told,
  { projectId, organizationId }: DocumentRow,
  action: DiscussionEvent["action"],
): Promise<void> =>
  noteDocument(tx, by, {
    action,
    documentId,
    projectId,
    organizationId,
    threadId: thread.id,
    commentId: comment.id,
    seq,
  });

function noticeOf({ documentId, author, thread, comment }: Told, { projectId }: DocumentRow) {
  const { userId, agentId } = author;
  const by = {
    ...(userId !== null && { byUserId: userId }),
    ...(agentId !== null && { byAgentId: agentId }),
  };
  return {
    projectId,
    body: excerpt(comment.content),
    entityType: "comment" as const,
    entityId: comment.id,
    metadata: { documentId, threadId: thread.id, commentId: comment.id, ...by },
  };
}

/** Whoever has a comment in the thread; not who does this himself. */
function participants({ thread, author }: Told): Notice["recipient"][] {
  const found = new Map<string, Notice["recipient"]>();
  for (const { author: writer, deletedAt } of thread.comments) {
    const who = whoOf(writer);
    if (deletedAt !== null || who === whoOf(author)) continue;
    const { userId, agentId } = writer;
    if (agentId !== null) found.set(who, { agentId });
    else if (userId !== null) found.set(who, { userId });
  }
  return [...found.values()];
}

/** How a comment begins, for whoever reads what he is told. */
function excerpt(content: JSONContent): string {
  const text = plainText(content).trim();
  return text.length <= MAX_EXCERPT ? text : `${text.slice(0, MAX_EXCERPT - 1).toWellFormed()}…`;
}
