import type * as Y from "yjs";
import { lockHead } from "../../persistence/content-state.ts";
import { errorCode, type SqlOrTransaction } from "../../persistence/database.ts";
import { ensureParts } from "../../persistence/documents.ts";
import {
  countComments,
  isGone,
  readThread,
  threadIdOf,
  whoOf,
  type Comment,
  type Thread,
  type Writer,
} from "../../schema/discussion.ts";
import { ScriptoriumError } from "../../schema/errors.ts";

/** So that a discussion is loaded in milliseconds, which every command does. */
const MAX_COMMENTS = 5000;
/** So that a thread can be answered whole. */
const MAX_COMMENTS_OF_THREAD = 500;
const MAX_REACTIONS = 20;

/** Locks a discussion; one of a document that another program inserted is made first. */
export async function lockDiscussion(tx: SqlOrTransaction, documentId: string): Promise<void> {
  const address = { documentId, part: "comments" };
  try {
    await lockHead(tx, address);
  } catch (error) {
    if (errorCode(error) !== "document_not_found") throw error;
    await ensureParts(tx, documentId);
    await lockHead(tx, address);
  }
}

/** Now, but later than `before`, so that comments stand in the order in which they were committed. */
export function momentAfter(before: string | null): string {
  const earliestMs = before === null ? 0 : Date.parse(before) + 1;
  return new Date(Math.max(Date.now(), earliestMs)).toISOString();
}

/** A thread that is there to be read. @throws ScriptoriumError `not_found`. */
export function requireThread(doc: Y.Doc, threadId: string): Thread {
  const thread = readThread(doc, threadId);
  if (thread !== null && !isGone(thread)) return thread;
  throw new ScriptoriumError("not_found", "There is no such thread");
}

/**
 * A comment that is not deleted. `who`: it has to be his own, unless he may manage; null: anybody's.
 * @throws ScriptoriumError `not_found`; `forbidden`.
 */
export function requireComment(
  doc: Y.Doc,
  commentId: string,
  who: { readonly author: Writer; readonly mayManage: boolean } | null,
): { thread: Thread; comment: Comment } {
  const threadId = threadIdOf(doc, commentId);
  const thread = threadId === null ? null : readThread(doc, threadId);
  const comment = thread?.comments.find(({ id }) => id === commentId);
  if (thread === null || comment === undefined || comment.deletedAt !== null) {
    throw new ScriptoriumError("not_found", "There is no such comment");
  }
  const isOwn = who === null || whoOf(who.author) === whoOf(comment.author);
  if (isOwn || who.mayManage) return { thread, comment };
  throw new ScriptoriumError("forbidden", "This is another's comment");
}

/** @throws ScriptoriumError `conflict` where no more comments fit in. `thread`: the one that it is to be a reply in. */
export function requireRoom(doc: Y.Doc, thread: Thread | null): void {
  if (thread !== null && thread.comments.length >= MAX_COMMENTS_OF_THREAD) {
    throw full(`A thread holds at most ${MAX_COMMENTS_OF_THREAD} comments; begin another`);
  }
  if (countComments(doc) >= MAX_COMMENTS) {
    throw full(`A discussion holds at most ${MAX_COMMENTS} comments`);
  }
}

/** @throws ScriptoriumError `conflict` where the emoji would be one too many. */
export function requireRoomForReaction({ reactions }: Comment, emoji: string): void {
  const emojis = Object.keys(reactions);
  if (emojis.length < MAX_REACTIONS || emojis.includes(emoji)) return;
  throw full(`A comment holds at most ${MAX_REACTIONS} different reactions`);
}

const full = (message: string) => new ScriptoriumError("conflict", message);
