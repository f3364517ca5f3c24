import { createHash } from "node:crypto";
import type { JSONContent } from "@tiptap/core";
import type { Discussant, Discussions } from "../../extensions/discussions/discussions.ts";
import {
  readComment,
  readThreadRows,
  threadPage,
  type CommentRow,
  type FirstCommentRow,
  type ThreadRow,
  type WholeThread,
} from "../../persistence/comments.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import type { AnchorTask } from "../../persistence/find-anchor.ts";
import { checkTargets } from "../../persistence/mentions.ts";
import { readDocument } from "../../persistence/read-document.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";
import type { Anchor } from "../../schema/anchor.ts";
import { parseComment } from "../../schema/comment-content.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import { mentionsIn, type Mention } from "../../schema/mentions.ts";
import type { Principal } from "../../schema/principal.ts";
import { AmbiguousAnchor } from "./ambiguous-anchor.ts";
import { authorOf } from "./author.ts";
import { cut, pageOf } from "./page.ts";
import type { Call, Handlers } from "./serve.ts";

/** What discussions go in and out through. */
export type DiscussionDoors = {
  readonly discussions: Discussions;
  /** For finding words in a text. */
  readonly readingThread: Pick<UpkeepThread, "anchor">;
};

/** The routes of `schema/api/discussions.ts`; the same handlers serve what is said on a socket. */
export const discussionHandlers = (doors: DiscussionDoors) =>
  ({
    ...readingHandlers,
    ...threadHandlers(doors),
    ...commentHandlers(doors),
  }) satisfies Handlers;

const ORDER = "createdAt";

const readingHandlers = {
  async listThreads({ sql, params: { documentId }, query }) {
    await readDocument(sql, documentId);
    const { status, detached } = query;
    const page = pageOf(ORDER, query);
    const filter = {
      isResolved: status === "all" ? null : status === "resolved",
      isDetached: detached === undefined ? null : detached === "true",
    };
    const found = await threadPage(sql, documentId, { ...filter, ...page });
    const { rows, nextCursor } = cut(ORDER, page, found);
    return { body: { threads: rows.map((row) => shownSummary(documentId, row)), nextCursor } };
  },

  async getThread({ sql, params: { documentId, threadId } }) {
    await readDocument(sql, documentId);
    return { body: shownThread(documentId, await readThreadRows(sql, documentId, threadId)) };
  },
} satisfies Handlers;

const threadHandlers = ({ discussions, readingThread }: DiscussionDoors) =>
  ({
    createThread: {
      async prepare({ params: { documentId }, body }) {
        const content = parseComment(body);
        const anchor =
          body.anchor === null
            ? null
            : await anchorFor(readingThread, { documentId, wanted: body.anchor }).catch(refusal);
        return async (call) => {
          // Not before: who sends it again is to get the first answer, wherever the words are now.
          if (anchor instanceof ScriptoriumError) throw anchor;
          await admit(call.sql, documentId, content);
          const thread = { documentId, content, anchor };
          const { threadId } = await discussions.createThread(discussant(call), thread);
          const shown = await threadBody(call.sql, documentId, threadId);
          return { body: shown, location: `/documents/${documentId}/threads/${threadId}` };
        };
      },
    },

    async createReply(call) {
      const { sql, params, body } = call;
      const content = parseComment(body);
      await admit(sql, params.documentId, content);
      const { commentId } = await discussions.reply(discussant(call), { ...params, content });
      return { body: await commentBody(sql, params.documentId, commentId) };
    },

    resolveThread: (call) => setResolved(discussions, call, true),
    reopenThread: (call) => setResolved(discussions, call, false),
  }) satisfies Handlers;

const commentHandlers = ({ discussions }: DiscussionDoors) =>
  ({
    async updateComment(call) {
      const { sql, params, body, mustMatch } = call;
      const content = parseComment(body);
      const before = await readComment(sql, params.documentId, params.commentId);
      await admit(sql, params.documentId, content, before.content);
      const check = (comment: Worded): void => mustMatch(etagOfWords(comment));
      await discussions.edit(discussant(call), { ...params, content, check });
      const row = await readComment(sql, params.documentId, params.commentId);
      return { body: shownComment(row), etag: etagOfRow(row) };
    },

    async deleteComment(call) {
      const { sql, params, mustMatch } = call;
      await readDocument(sql, params.documentId);
      const check = (comment: Worded): void => mustMatch(etagOfWords(comment));
      await discussions.remove(discussant(call), { ...params, check });
      return {};
    },

    addReaction: (call) => react(discussions, call, true),
    removeReaction: (call) => react(discussions, call, false),
  }) satisfies Handlers;

/** What every writing call has, whichever route it is. */
type Writing = Pick<Call<never>, "sql" | "by" | "afterCommit"> & {
  readonly principal: Principal;
  readonly place: { readonly rights: readonly string[] };
};

const discussant = ({ sql: tx, by, afterCommit, principal, place }: Writing): Discussant => ({
  tx,
  by,
  afterCommit,
  author: authorOf(principal),
  mayManage: place.rights.includes("manage"),
});

/**
 * `before`: what the comment said until now; whom it mentioned may have left since and stays in it.
 * @throws ScriptoriumError `document_not_found`; `unknown_target` for a mention of what does not exist.
 */
async function admit(
  sql: SqlOrTransaction,
  documentId: string,
  content: JSONContent,
  before: JSONContent = {},
): Promise<void> {
  const { projectId } = await readDocument(sql, documentId);
  const kept = new Set(mentionsIn(before).map(targetOf));
  const added = mentionsIn(content).filter((mention) => !kept.has(targetOf(mention)));
  await checkTargets(sql, projectId, added);
}

const targetOf = ({ targetType, targetId }: Mention): string => `${targetType}:${targetId}`;

/** @throws ScriptoriumError `anchor_not_found`; `anchor_ambiguous`, with the places that it could be. */
async function anchorFor(
  thread: DiscussionDoors["readingThread"],
  task: AnchorTask,
): Promise<Anchor> {
  const found = await thread.anchor(task);
  if ("anchor" in found) return found.anchor;
  throw new AmbiguousAnchor(found.candidates);
}

/** What was refused, to be thrown later; everything else is thrown now. */
function refusal(error: unknown): ScriptoriumError {
  if (error instanceof ScriptoriumError) return error;
  throw error;
}

type OfThread = { readonly params: { readonly documentId: string; readonly threadId: string } };

async function setResolved(
  discussions: Discussions,
  call: Writing & OfThread,
  isResolved: boolean,
) {
  const { sql, params } = call;
  await readDocument(sql, params.documentId);
  await discussions.setResolved(discussant(call), { ...params, isResolved });
  return { body: await threadBody(sql, params.documentId, params.threadId) };
}

type OfReaction = {
  readonly params: {
    readonly documentId: string;
    readonly commentId: string;
    readonly emoji: string;
  };
};

async function react(discussions: Discussions, call: Writing & OfReaction, isThere: boolean) {
  await readDocument(call.sql, call.params.documentId);
  await discussions.react(discussant(call), { ...call.params, isThere });
  return {};
}

const threadBody = async (sql: SqlOrTransaction, documentId: string, threadId: string) =>
  shownThread(documentId, await readThreadRows(sql, documentId, threadId));

const commentBody = async (sql: SqlOrTransaction, documentId: string, commentId: string) =>
  shownComment(await readComment(sql, documentId, commentId));

const shownThread = (documentId: string, { first, comments }: WholeThread) => ({
  ...shownHead(documentId, first),
  comments: comments.map(shownComment),
});

const shownSummary = (documentId: string, row: ThreadRow) => ({
  ...shownHead(documentId, row),
  first: shownComment(row),
  replyCount: row.replyCount,
  lastCommentAt: row.lastCommentAt,
});

const shownHead = (
  documentId: string,
  { id, anchor, detached, resolvedAt, resolvedBy, resolvedByAgentId, createdAt }: FirstCommentRow,
) => ({
  id,
  documentId,
  anchor,
  detached,
  resolved:
    resolvedAt === null
      ? null
      : { by: { userId: resolvedBy, agentId: resolvedByAgentId }, at: resolvedAt },
  createdAt,
});

const shownComment = (row: CommentRow) => ({
  id: row.id,
  threadId: row.threadId ?? row.id,
  author: { userId: row.userId, agentId: row.agentId, name: row.authorName },
  content: { ...row.content },
  reactions: row.reactions,
  createdAt: row.createdAt,
  editedAt: row.editedAt,
  deletedAt: row.deletedAt,
  etag: `"${etagOfRow(row)}"`,
});

const etagOfRow = ({ createdAt, editedAt }: CommentRow): string =>
  etagOfWords({
    createdAt: createdAt.toISOString(),
    editedAt: editedAt?.toISOString() ?? null,
  });

type Worded = { readonly createdAt: string; readonly editedAt: string | null };

/** Every edit has a moment of its own; reactions are no edit. */
const etagOfWords = ({ createdAt, editedAt }: Worded): string =>
  createHash("sha256")
    .update(editedAt ?? createdAt)
    .digest("base64url")
    .slice(0, 22);
