import { randomUUID } from "node:crypto";
import type { JSONContent } from "@tiptap/core";
import type * as Y from "yjs";
import type { Actor } from "../../persistence/activities.ts";
import type { Author } from "../../persistence/append-updates.ts";
import { buildUpdate } from "../../persistence/built-update.ts";
import { writeComments } from "../../persistence/comment-rows.ts";
import type { Anchor } from "../../schema/anchor.ts";
import {
  readThread,
  writeDeletion,
  writeEdit,
  writeReaction,
  writeReply,
  writeResolved,
  writeThread,
  whoOf,
  type Comment,
  type Thread,
} from "../../schema/discussion.ts";
import type { InboxKey } from "../../schema/inbox-key.ts";
import type { CommandScope, Commands } from "../commands.ts";
import {
  lockDiscussion,
  momentAfter,
  requireComment,
  requireRoom,
  requireRoomForReaction,
  requireThread,
} from "./rules.ts";
import { tellOfComment, tellOfEdit, tellOfState, type Told } from "./telling.ts";

/** Who acts, in which transaction, and whether he may do as he likes with others' comments. */
export type Discussant = CommandScope & {
  readonly author: Author;
  /** The same for the feeds. */
  readonly by: Actor;
  readonly mayManage: boolean;
};

type InDocument = { readonly documentId: string };
type OfThread = InDocument & { readonly threadId: string };
type OfComment = InDocument & { readonly commentId: string };

/**
 * What can be done in a discussion, each in the caller's transaction: the update of `comments:<uuid>`, the rows, the
 * mentions, the notifications and the activity are committed together or not at all. All throw ScriptoriumError
 * `document_not_found`, `document_quarantined`, and `not_found` for what is not there or deleted.
 */
export type Discussions = {
  /** Answers its id. @throws ScriptoriumError `conflict` when the discussion is full. */
  createThread(
    scope: Discussant,
    thread: InDocument & { readonly content: JSONContent; readonly anchor: Anchor | null },
  ): Promise<{ threadId: string }>;
  /** Answers its id. @throws ScriptoriumError `conflict` when the thread or the discussion is full. */
  reply(
    scope: Discussant,
    reply: OfThread & { readonly content: JSONContent },
  ): Promise<{ commentId: string }>;
  /** `check` gets the comment as it is, and refuses by throwing. @throws ScriptoriumError `forbidden` for another's. */
  edit(
    scope: Discussant,
    edit: OfComment & { readonly content: JSONContent; readonly check: CommentCheck },
  ): Promise<void>;
  /** @throws ScriptoriumError `forbidden` for another's. */
  remove(scope: Discussant, removal: OfComment & { readonly check: CommentCheck }): Promise<void>;
  /** One that is in this state already stays as it is, and nobody is told. */
  setResolved(scope: Discussant, state: OfThread & { readonly isResolved: boolean }): Promise<void>;
  /** @throws ScriptoriumError `conflict` when the comment has too many different reactions. */
  react(
    scope: Discussant,
    reaction: OfComment & { readonly emoji: string; readonly isThere: boolean },
  ): Promise<void>;
};

/** Refuses a comment that is not what its editor has read. */
export type CommentCheck = (comment: Pick<Comment, "createdAt" | "editedAt">) => void;

/** What a change made of the discussion: a comment with its thread. Null: there was nothing to change. */
type Changed = { readonly thread: Thread; readonly comment: Comment } | null;

type Step = InDocument & {
  /** Called with the committed discussion, which nobody else can change meanwhile. */
  readonly change: (doc: Y.Doc) => Changed;
  /** Writes what follows from it; answers the inboxes that something was put in. */
  readonly tell?: (told: Told) => Promise<readonly InboxKey[]>;
};

type Doors = {
  readonly commands: Commands;
  readonly ring: (inboxes: readonly InboxKey[]) => void;
};

/** The commands of discussions. `ring`: wakes who waits at these inboxes. */
export function createDiscussions(doors: Doors): Discussions {
  const write: Write = (scope, step) => writeStep(doors, scope, step);
  return { ...threadCommands(write), ...commentCommands(write) };
}

type Write = (scope: Discussant, step: Step) => Promise<void>;

const threadCommands = (
  write: Write,
): Pick<Discussions, "createThread" | "reply" | "setResolved"> => ({
  async createThread(scope, { documentId, content, anchor }) {
    const threadId = randomUUID();
    const { author } = scope;
    const change = (doc: Y.Doc): Changed => {
      requireRoom(doc, null);
      const at = momentAfter(null);
      writeThread(doc, { id: threadId, author, content, at }, anchor);
      return pick(doc, threadId, threadId);
    };
    await write(scope, { documentId, change, tell: tellOfComment });
    return { threadId };
  },

  async reply(scope, { documentId, threadId, content }) {
    const commentId = randomUUID();
    const { author } = scope;
    const change = (doc: Y.Doc): Changed => {
      const thread = requireThread(doc, threadId);
      requireRoom(doc, thread);
      const at = momentAfter(thread.comments.at(-1)?.createdAt ?? null);
      writeReply(doc, threadId, { id: commentId, author, content, at });
      return pick(doc, threadId, commentId);
    };
    await write(scope, { documentId, change, tell: tellOfComment });
    return { commentId };
  },

  setResolved(scope, { documentId, threadId, isResolved }) {
    const change = (doc: Y.Doc): Changed => {
      const { resolved } = requireThread(doc, threadId);
      if ((resolved !== null) === isResolved) return null;
      const at = momentAfter(null);
      const { userId, agentId } = scope.author;
      writeResolved(doc, threadId, isResolved ? { by: { userId, agentId }, at } : null);
      return pick(doc, threadId, threadId);
    };
    return write(scope, { documentId, change, tell: tellOfState });
  },
});

const commentCommands = (write: Write): Pick<Discussions, "edit" | "remove" | "react"> => ({
  edit(scope, { documentId, commentId, content, check }) {
    const change = (doc: Y.Doc): Changed => {
      const { thread, comment } = requireComment(doc, commentId, scope);
      check(comment);
      const at = momentAfter(comment.editedAt ?? comment.createdAt);
      writeEdit(doc, { threadId: thread.id, commentId }, { content, at });
      return pick(doc, thread.id, commentId);
    };
    return write(scope, { documentId, change, tell: tellOfEdit });
  },

  remove(scope, { documentId, commentId, check }) {
    const change = (doc: Y.Doc): Changed => {
      const { thread, comment } = requireComment(doc, commentId, scope);
      check(comment);
      const at = momentAfter(comment.editedAt ?? comment.createdAt);
      writeDeletion(doc, { threadId: thread.id, commentId }, at);
      return pick(doc, thread.id, commentId);
    };
    return write(scope, { documentId, change, tell: tellOfEdit });
  },

  react(scope, { documentId, commentId, emoji, isThere }) {
    const change = (doc: Y.Doc): Changed => {
      const { thread, comment } = requireComment(doc, commentId, null);
      if (isThere) requireRoomForReaction(comment, emoji);
      const reaction = { emoji, who: whoOf(scope.author), isThere };
      writeReaction(doc, { threadId: thread.id, commentId }, reaction);
      return pick(doc, thread.id, commentId);
    };
    return write(scope, { documentId, change });
  },
});

/** What the discussion says after a change: the rows are made of it, not of what was asked for. */
function pick(doc: Y.Doc, threadId: string, commentId: string): Changed {
  const thread = readThread(doc, threadId);
  const comment = thread?.comments.find(({ id }) => id === commentId);
  return thread === null || comment === undefined ? null : { thread, comment };
}

/**
 * Maintained invariant: rows and Yjs agree. The discussion's head row is locked before the fork is made, so commands
 * of one discussion follow each other, and the last word in Yjs is the last word in the rows. Without the lock two
 * that set one key would be ordered by their Yjs client ids, whichever was committed first.
 */
async function writeStep(
  { commands, ring }: Doors,
  scope: Discussant,
  { documentId, change, tell }: Step,
): Promise<void> {
  let changed: Changed = null;
  await commands.perform(scope, {
    address: { documentId, part: "comments" },
    author: scope.author,
    build: async (tx, address) => {
      await lockDiscussion(tx, documentId);
      return buildUpdate(tx, address, (doc) => {
        changed = change(doc);
      });
    },
    rows: async (tx, seq) => {
      if (changed === null) return;
      await writeComments(tx, documentId, [changed]);
      const { author, by } = scope;
      const rung = (await tell?.({ tx, seq, documentId, author, by, ...changed })) ?? [];
      if (rung.length > 0) scope.afterCommit(() => ring(rung));
    },
  });
}
