import type { JSONContent } from "@tiptap/core";
import * as Y from "yjs";
import { isRecord } from "./content-node.ts";
import { THREADS } from "./document-schema.ts";
import { ScriptoriumError } from "./errors.ts";

/*
 * A discussion as Yjs holds it, in `comments:<uuid>`:
 *
 * Y.Map("threads"): threadId → Y.Map {
 *   anchor: JSON | null, createdAt: ISO, resolved: JSON { by, at } | null,
 *   comments: Y.Map: commentId → Y.Map {
 *     author: JSON { userId, agentId }, content: Tiptap JSON, createdAt: ISO, editedAt: ISO | null,
 *     deletedAt: ISO | null, reactions: Y.Map: emoji → Y.Map: who → true
 *   }
 * }
 *
 * A thread's first comment has the thread's id. Written by commands only (extensions/discussions.ts), which lock the
 * discussion meanwhile: nothing in it is ever written twice at once.
 */

/** Who wrote, resolved or reacted: a person, or an agent and the person it acts for. */
export type Writer = { readonly userId: string | null; readonly agentId: string | null };

/** One of those as a text, for example the key of a reaction: `user:<uuid>`, `agent:<uuid>`. */
export const whoOf = ({ userId, agentId }: Writer): string =>
  agentId === null ? `user:${userId}` : `agent:${agentId}`;

/** One comment. A deleted one keeps its author and its times; its content is empty. */
export type Comment = {
  readonly id: string;
  readonly author: Writer;
  /** Tiptap JSON, as `schema/comment-content.ts` lets it be. */
  readonly content: JSONContent;
  readonly createdAt: string;
  readonly editedAt: string | null;
  readonly deletedAt: string | null;
  /** `{ "👍": ["user:<uuid>"] }`, both in order, so that the same reactions are the same JSON. */
  readonly reactions: Readonly<Record<string, readonly string[]>>;
};

/** A thread with all its comments, the deleted ones too: the first of them first, the others as they came. */
export type Thread = {
  readonly id: string;
  /** What of the text it is about; null: the whole document. */
  readonly anchor: Anchor | null;
  readonly createdAt: string;
  readonly resolved: { readonly by: Writer; readonly at: string } | null;
  readonly comments: readonly Comment[];
};

/** True when nothing of a thread is left to read: it is shown to nobody any more. */
export const isGone = ({ comments }: Pick<Thread, "comments">): boolean =>
  comments.every(({ deletedAt }) => deletedAt !== null);

/** What stands in the place of a deleted comment's words. */
const EMPTY_COMMENT: JSONContent = { type: "doc", content: [{ type: "paragraph" }] };

/** As `schema/anchor.ts` makes it. */
type Anchor = {
  readonly start: string;
  readonly end: string;
  readonly quote: string;
  readonly before: string;
  readonly after: string;
  readonly blockId: string | null;
};

type Shared = Y.Map<unknown>;

const byTime = <T extends { readonly id: string; readonly createdAt: string }>(a: T, b: T) =>
  a.createdAt === b.createdAt ? compare(a.id, b.id) : compare(a.createdAt, b.createdAt);

const compare = (a: string, b: string): number => Number(a > b) - Number(a < b);

/** Every thread of a discussion, the oldest first. Never throws and never changes the document. */
export function readDiscussion(doc: Y.Doc): Thread[] {
  if (!doc.share.has(THREADS)) return [];
  return [...doc.getMap(THREADS).entries()]
    .flatMap(([id, thread]) => (thread instanceof Y.Map ? [threadFrom(id, thread)] : []))
    .toSorted(byTime);
}

/** One thread of a discussion; null where there is none. */
export function readThread(doc: Y.Doc, threadId: string): Thread | null {
  const thread = doc.share.has(THREADS) ? doc.getMap(THREADS).get(threadId) : undefined;
  return thread instanceof Y.Map ? threadFrom(threadId, thread) : null;
}

/** How many comments a discussion holds, the deleted ones too. */
export function countComments(doc: Y.Doc): number {
  let count = 0;
  for (const thread of doc.getMap(THREADS).values()) {
    const comments: unknown = thread instanceof Y.Map ? thread.get("comments") : null;
    if (comments instanceof Y.Map) count += comments.size;
  }
  return count;
}

/** The thread that a comment belongs to; null where there is none. */
export function threadIdOf(doc: Y.Doc, commentId: string): string | null {
  if (!doc.share.has(THREADS)) return null;
  for (const [id, thread] of doc.getMap(THREADS).entries()) {
    const comments: unknown = thread instanceof Y.Map ? thread.get("comments") : null;
    if (comments instanceof Y.Map && comments.has(commentId)) return id;
  }
  return null;
}

function threadFrom(id: string, thread: Shared): Thread {
  const anchor = thread.get("anchor");
  const resolved = thread.get("resolved");
  const comments = thread.get("comments");
  return {
    id,
    anchor: isRecord(anchor) ? (anchor as Anchor) : null,
    createdAt: textOf(thread.get("createdAt")) ?? "",
    resolved: isRecord(resolved)
      ? { by: writerFrom(resolved["by"]), at: textOf(resolved["at"]) ?? "" }
      : null,
    comments: comments instanceof Y.Map ? commentsFrom(id, comments) : [],
  };
}

function commentsFrom(threadId: string, comments: Shared): Comment[] {
  const found = [...comments.entries()]
    .flatMap(([id, comment]) => (comment instanceof Y.Map ? [commentFrom(id, comment)] : []))
    .toSorted(byTime);
  const first = found.filter(({ id }) => id === threadId);
  return [...first, ...found.filter(({ id }) => id !== threadId)];
}

function commentFrom(id: string, comment: Shared): Comment {
  const content = comment.get("content");
  const reactions = comment.get("reactions");
  return {
    id,
    author: writerFrom(comment.get("author")),
    content: isRecord(content) ? content : EMPTY_COMMENT,
    createdAt: textOf(comment.get("createdAt")) ?? "",
    editedAt: textOf(comment.get("editedAt")),
    deletedAt: textOf(comment.get("deletedAt")),
    reactions: reactions instanceof Y.Map ? reactionsFrom(reactions) : {},
  };
}

function reactionsFrom(reactions: Shared): Record<string, string[]> {
  const sorted = [...reactions.entries()].toSorted(([a], [b]) => compare(a, b));
  return Object.fromEntries(
    sorted.flatMap(([emoji, by]) =>
      by instanceof Y.Map && by.size > 0 ? [[emoji, [...by.keys()].toSorted(compare)]] : [],
    ),
  );
}

const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);

function writerFrom(value: unknown): Writer {
  const { userId, agentId } = isRecord(value) ? value : {};
  return { userId: textOf(userId), agentId: textOf(agentId) };
}

/** A comment that is being written. `at`: ISO. */
export type NewComment = {
  readonly id: string;
  readonly author: Writer;
  readonly content: JSONContent;
  readonly at: string;
};

/** Begins a thread: its first comment has its id. */
export function writeThread(doc: Y.Doc, first: NewComment, anchor: Anchor | null): void {
  const comments = new Y.Map<unknown>();
  comments.set(first.id, newComment(first));
  const thread = new Y.Map<unknown>();
  thread.set("anchor", anchor);
  thread.set("createdAt", first.at);
  thread.set("resolved", null);
  thread.set("comments", comments);
  doc.getMap(THREADS).set(first.id, thread);
}

/** Adds a reply. @throws ScriptoriumError `not_found`, as all that follow. */
export function writeReply(doc: Y.Doc, threadId: string, reply: NewComment): void {
  commentsOf(doc, threadId).set(reply.id, newComment(reply));
}

/** Gives a comment other words. */
export function writeEdit(
  doc: Y.Doc,
  { threadId, commentId }: CommentPlace,
  { content, at }: { content: JSONContent; at: string },
): void {
  const comment = commentAt(doc, { threadId, commentId });
  comment.set("content", content);
  comment.set("editedAt", at);
}

/** Takes a comment's words and reactions away; that there was one stays to be seen. */
export function writeDeletion(doc: Y.Doc, place: CommentPlace, at: string): void {
  const comment = commentAt(doc, place);
  comment.set("content", EMPTY_COMMENT);
  comment.set("deletedAt", at);
  comment.set("reactions", new Y.Map<unknown>());
}

/** Closes a thread; null opens it again. */
export function writeResolved(doc: Y.Doc, threadId: string, resolved: Thread["resolved"]): void {
  sharedThread(doc, threadId).set("resolved", resolved);
}

/** Adds or removes what one person or agent thinks of a comment. */
export function writeReaction(
  doc: Y.Doc,
  place: CommentPlace,
  { emoji, who, isThere }: { emoji: string; who: string; isThere: boolean },
): void {
  const reactions = commentAt(doc, place).get("reactions");
  if (!(reactions instanceof Y.Map)) throw missing("comment");
  const known: unknown = reactions.get(emoji);
  const by = known instanceof Y.Map ? known : null;
  if ((by?.has(who) ?? false) === isThere) return;
  if (!isThere) by?.delete(who);
  else if (by === null) reactions.set(emoji, new Y.Map<unknown>([[who, true]]));
  else by.set(who, true);
}

/** Where in a discussion a comment is. */
export type CommentPlace = { readonly threadId: string; readonly commentId: string };

function newComment({ author, content, at }: NewComment): Shared {
  const { userId, agentId } = author;
  return new Y.Map<unknown>([
    ["author", { userId, agentId }],
    ["content", content],
    ["createdAt", at],
    ["editedAt", null],
    ["deletedAt", null],
    ["reactions", new Y.Map<unknown>()],
  ]);
}

const missing = (what: "thread" | "comment") =>
  new ScriptoriumError("not_found", `There is no such ${what}`);

function sharedThread(doc: Y.Doc, threadId: string): Shared {
  const thread = doc.getMap(THREADS).get(threadId);
  if (thread instanceof Y.Map) return thread as Shared;
  throw missing("thread");
}

function commentsOf(doc: Y.Doc, threadId: string): Shared {
  const comments = sharedThread(doc, threadId).get("comments");
  if (comments instanceof Y.Map) return comments as Shared;
  throw missing("thread");
}

function commentAt(doc: Y.Doc, { threadId, commentId }: CommentPlace): Shared {
  const comment = commentsOf(doc, threadId).get(commentId);
  if (comment instanceof Y.Map) return comment as Shared;
  throw missing("comment");
}
