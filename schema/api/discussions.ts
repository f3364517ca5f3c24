import { z } from "zod";
import { Id, Moment, NextCursor, PageQuery } from "./common.ts";
import { route } from "./contract.ts";
import { ContentJson } from "./documents.ts";

/** Longer than any remark, characters; who has more to say writes a document. */
export const MAX_COMMENT_LENGTH = 20_000;

const OfDocument = z.object({ documentId: Id });
const OfThread = OfDocument.extend({ threadId: Id });
const OfComment = OfDocument.extend({ commentId: Id });

/** One emoji, as Unicode recommends it: a closed set, so that no text of somebody's stands there. */
const Emoji = z
  .string()
  .max(32)
  .refine((text) => /^\p{RGI_Emoji}$/v.test(text), "must be one emoji")
  .meta({ example: "👍" });

const OfReaction = OfComment.extend({ emoji: Emoji });

const at = (right: "read" | "comment") =>
  ({ who: "right", right, at: "document", in: "documentId" }) as const;

/** A relative position of Yjs, base64url; see `schema/anchor.ts`. */
const Position = z.string().min(1).max(400);

const MAX_QUOTE_LENGTH = 1000;
const MAX_CONTEXT_LENGTH = 200;

const Quote = z.string().min(1).max(MAX_QUOTE_LENGTH);
const Context = z.string().max(MAX_CONTEXT_LENGTH);

/** Two ways to say what of the text is meant: an editor knows positions, an agent the words. */
const AnchorRequest = z
  .union([
    z.strictObject({ start: Position, end: Position }),
    z.strictObject({
      quote: Quote.describe("the words, as they stand in the text"),
      before: Context.optional().describe("what stands before them, to tell equal ones apart"),
      after: Context.optional().describe("what stands after them"),
      sectionId: z.string().max(100).optional().describe("the `id` of the block they stand in"),
    }),
  ])
  .meta({ id: "AnchorRequest" });
export type AnchorRequest = z.output<typeof AnchorRequest>;

/** Where in the text a thread is. */
const Anchor = z
  .object({
    start: z.string(),
    end: z.string(),
    quote: z.string().describe("the words it was made on"),
    before: z.string(),
    after: z.string(),
    blockId: z.string().nullable(),
  })
  .meta({ id: "Anchor" });

/** A person, or an agent and the person it acts for. */
const By = z.object({ userId: Id.nullable(), agentId: Id.nullable() });

const Comment = z
  .object({
    id: Id,
    threadId: Id.describe("a thread's first comment has the thread's id"),
    author: By.extend({
      name: z.string().nullable().describe("the agent's, else the person's; null: who is gone"),
    }),
    content: ContentJson,
    reactions: z
      .record(z.string(), z.array(z.string()))
      .describe("who thinks so, by emoji: `user:<id>`, `agent:<id>`"),
    createdAt: Moment,
    editedAt: Moment.nullable(),
    deletedAt: Moment.nullable().describe("not null: its words are gone"),
    etag: z.string().describe("of its words, as If-Match takes it"),
  })
  .meta({ id: "Comment" });

const ThreadHead = z.object({
  id: Id,
  documentId: Id,
  anchor: Anchor.nullable().describe("null: it is about the whole document"),
  detached: z.boolean().describe("the words that it is about cannot be found any more"),
  resolved: z.object({ by: By, at: Moment }).nullable(),
  createdAt: Moment,
});

const ThreadSummary = ThreadHead.extend({
  first: Comment,
  replyCount: z.int().describe("those that are not deleted"),
  lastCommentAt: Moment,
}).meta({ id: "ThreadSummary" });

const Thread = ThreadHead.extend({
  comments: z.array(Comment).describe("the first, then the replies as they came"),
}).meta({ id: "Thread" });

const words = {
  content: ContentJson.optional(),
  markdown: z
    .string()
    .max(MAX_COMMENT_LENGTH)
    .optional()
    .describe("the same as Markdown, instead of `content`"),
};

const isOneForm = ({ content, markdown }: { content?: unknown; markdown?: unknown }): boolean =>
  (content === undefined) !== (markdown === undefined);
const oneForm = { message: "needs either content or markdown" };

const Words = z.strictObject(words).refine(isOneForm, oneForm);

const ThreadQuery = PageQuery.extend({
  status: z.enum(["open", "resolved", "all"]).default("all"),
  detached: z.enum(["true", "false"]).optional().describe("absent: both"),
});

const WHAT_IT_HOLDS = `Paragraphs, code blocks, line breaks, bold, italic, struck and code text, links and mentions; at most ${MAX_COMMENT_LENGTH.toLocaleString("en")} characters.`;

/** Threads beside a document's text. Everything here can also be said on a socket (docs/SPEC.md, The wire). */
export const discussionRoutes = {
  listThreads: route({
    method: "get",
    path: "/documents/{documentId}/threads",
    tag: "Discussions",
    summary: "The threads of a document, the oldest first",
    description: "A thread of which every comment is deleted is not there any more.",
    access: at("read"),
    params: OfDocument,
    query: ThreadQuery,
    answer: {
      status: 200,
      body: z.object({ threads: z.array(ThreadSummary), nextCursor: NextCursor }),
    },
  }),
  createThread: route({
    method: "post",
    path: "/documents/{documentId}/threads",
    tag: "Discussions",
    summary: "Begin a thread, on some words or on the whole document",
    description: `${WHAT_IT_HOLDS} A quote that stands in the text more than once is refused, and the problem's \`candidates\` say where: send one of them with its \`before\`, \`after\` and \`sectionId\`. Words that were written a moment ago may not be committed yet.`,
    access: at("comment"),
    params: OfDocument,
    body: z
      .strictObject({ ...words, anchor: AnchorRequest.nullable().default(null) })
      .refine(isOneForm, oneForm),
    idempotent: true,
    example: { markdown: "When?", anchor: { quote: "Begin" } },
    answer: { status: 201, body: Thread },
    errors: [
      "anchor_not_found",
      "anchor_ambiguous",
      "bad_content",
      "unknown_target",
      "document_quarantined",
      "too_large",
    ],
  }),
  getThread: route({
    method: "get",
    path: "/documents/{documentId}/threads/{threadId}",
    tag: "Discussions",
    summary: "A thread with all its comments",
    access: at("read"),
    params: OfThread,
    answer: { status: 200, body: Thread },
    errors: ["not_found"],
  }),
  createReply: route({
    method: "post",
    path: "/documents/{documentId}/threads/{threadId}/replies",
    tag: "Discussions",
    summary: "Reply in a thread",
    description: `${WHAT_IT_HOLDS} Whoever takes part in the thread is notified. Also in a resolved thread, which stays resolved.`,
    access: at("comment"),
    params: OfThread,
    body: Words,
    idempotent: true,
    example: { markdown: "On **Monday**." },
    answer: { status: 201, body: Comment },
    errors: ["not_found", "bad_content", "unknown_target", "document_quarantined", "too_large"],
  }),
  resolveThread: route({
    method: "post",
    path: "/documents/{documentId}/threads/{threadId}/resolve",
    tag: "Discussions",
    summary: "Resolve a thread",
    description:
      "One that is resolved stays as it is. Whoever takes part in the thread is notified.",
    access: at("comment"),
    params: OfThread,
    answer: { status: 200, body: Thread },
    errors: ["not_found", "document_quarantined"],
  }),
  reopenThread: route({
    method: "post",
    path: "/documents/{documentId}/threads/{threadId}/reopen",
    tag: "Discussions",
    summary: "Open a resolved thread again",
    access: at("comment"),
    params: OfThread,
    answer: { status: 200, body: Thread },
    errors: ["not_found", "document_quarantined"],
  }),
  updateComment: route({
    method: "patch",
    path: "/documents/{documentId}/comments/{commentId}",
    tag: "Discussions",
    summary: "Give a comment of yours other words",
    description: "Whoever may manage the project may do so with every comment.",
    access: at("comment"),
    params: OfComment,
    body: Words,
    ifMatch: "optional",
    etag: true,
    example: { markdown: "On **Tuesday**." },
    answer: { status: 200, body: Comment },
    errors: ["not_found", "bad_content", "unknown_target", "document_quarantined", "too_large"],
  }),
  deleteComment: route({
    method: "delete",
    path: "/documents/{documentId}/comments/{commentId}",
    tag: "Discussions",
    summary: "Delete a comment of yours",
    description:
      "Its words and reactions are gone for good; that there was one stays to be seen while others are in the thread. Whoever may manage the project may do so with every comment.",
    access: at("comment"),
    params: OfComment,
    ifMatch: "optional",
    answer: { status: 204 },
    errors: ["not_found", "document_quarantined"],
  }),
  addReaction: route({
    method: "put",
    path: "/documents/{documentId}/comments/{commentId}/reactions/{emoji}",
    tag: "Discussions",
    summary: "React to a comment with an emoji",
    description: "A comment holds at most 20 different ones.",
    access: at("comment"),
    params: OfReaction,
    answer: { status: 204 },
    errors: ["not_found", "conflict", "document_quarantined"],
  }),
  removeReaction: route({
    method: "delete",
    path: "/documents/{documentId}/comments/{commentId}/reactions/{emoji}",
    tag: "Discussions",
    summary: "Take a reaction of yours back",
    access: at("comment"),
    params: OfReaction,
    answer: { status: 204 },
    errors: ["not_found", "document_quarantined"],
  }),
} as const;
