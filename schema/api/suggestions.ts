import { z } from "zod";
import { HUNK_DECISIONS, SUGGESTION_STATUSES } from "../closed-sets.ts";
import { HUNK_KINDS } from "../suggestion/hunk.ts";
import { HUNK_STATES } from "../suggestion/state.ts";
import { Id, Moment, NextCursor, PageQuery, Prose } from "./common.ts";
import { Seq } from "./content.ts";
import { route } from "./contract.ts";
import { ContentJson, DiagramSource } from "./documents.ts";
import { SectionId } from "./sections.ts";
import { Instead, Suggestion } from "./suggestion-shapes.ts";

/** Changes of sections that one suggestion may have. */
const MAX_DIFFS = 500;

const OfDocument = z.object({ documentId: Id });
const OfSuggestion = OfDocument.extend({ suggestionId: Id });

const at = (right: "read" | "suggest" | "edit") =>
  ({ who: "right", right, at: "document", in: "documentId" }) as const;

/** The people decide: a key may propose, and is refused here. */
const decides = { ...at("edit"), person: true } as const;

const Content = z
  .union([z.string(), ContentJson])
  .describe('Markdown, or Tiptap JSON: `{ type: "doc", content: […] }`');

const explanation = Prose.optional().describe("why, for whoever decides");

const Diff = z
  .union([
    z.strictObject({
      sectionId: SectionId.describe("the section that is to say something else"),
      oldContent: Content.optional().describe("not needed: the text that you read at `baseSeq`"),
      newContent: Content.describe("all of the section, its heading too"),
      explanation,
    }),
    z.strictObject({
      insertAfter: SectionId.nullable().describe("null: before everything"),
      newContent: Content,
      explanation,
    }),
    z.strictObject({ delete: SectionId, explanation }),
    z.strictObject({ move: SectionId, after: SectionId.nullable(), explanation }),
  ])
  .meta({ id: "Diff" });

const notes = {
  baseSeq: Seq.min(0)
    .optional()
    .describe("the `seq` at which you read the text; absent: what it is now"),
  contextSummary: Prose.nullable().default(null).describe("what it is about, for people"),
  promptedBy: Id.nullable().default(null).describe("the user who asked for it; he is notified"),
  conversationId: Id.nullable().default(null),
};

const NewSuggestion = z
  .strictObject({
    ...notes,
    diffs: z.array(Diff).min(1).max(MAX_DIFFS).optional(),
    content: Content.optional().describe("instead of `diffs`: all of the document as it is to be"),
    diagram: DiagramSource.optional().describe(
      "instead of both: the Mermaid source as it is to be, of a system_diagram",
    ),
  })
  .refine(
    ({ diffs, content, diagram }) =>
      [diffs, content, diagram].filter((given) => given !== undefined).length === 1,
    { message: "needs one of diffs, content and diagram" },
  );
export type NewSuggestion = z.output<typeof NewSuggestion>;

/** Strict: a misspelt name would choose everything. */
const Choice = z.strictObject({
  diffIds: z.array(Id).max(MAX_DIFFS).default([]),
  hunkIds: z.array(Id).max(2000).default([]).describe("both empty: all of it"),
  reason: Prose.nullable().default(null),
});

const Trial = Choice.omit({ reason: true }).extend({
  onlyClean: z.boolean().default(false).describe("leave out what others wrote beside"),
  instead: z
    .record(Id, z.string().max(100_000))
    .default({})
    .describe("Markdown to put in the place of a hunk, by its id: settles a conflict"),
});

const Acceptance = Trial.extend({ reason: Choice.shape.reason });

const Outcome = z
  .object({
    suggestion: Suggestion,
    seq: Seq.nullable().describe("where in the log it was done; null: the text is as it was"),
    applied: z.array(Id).describe("the hunks that were decided so"),
    refused: z
      .array(Id)
      .describe("hunks in conflict or without a place: they wait for `instead` or to be rejected"),
    markdown: z.string().nullable().describe("of a dry run: what the document would say"),
    affectedThreads: z
      .array(z.object({ threadId: Id, detached: z.boolean() }))
      .describe(
        "of a dry run: threads about words that would change, and whether they would be lost",
      ),
  })
  .meta({ id: "SuggestionOutcome" });

const refusals = ["not_found", "document_quarantined"] as const;

/** What agents propose and people decide. Everything here can also be said on a socket. */
export const suggestionRoutes = {
  createSuggestion: route({
    method: "post",
    path: "/documents/{documentId}/suggestions",
    tag: "Suggestions",
    summary: "Propose changes, which people accept or reject piece by piece",
    description:
      "The text is as it was until somebody accepts. Each change is cut into hunks of a few words, which are decided one by one and merge with whatever is typed meanwhile. Markdown of a section is all of it, as it is read; only what differs becomes a hunk.",
    access: at("suggest"),
    params: OfDocument,
    body: NewSuggestion,
    carriesContent: true,
    idempotent: true,
    example: {
      contextSummary: "Shorter",
      content: "# Plan\n\nStart.",
    },
    answer: { status: 201, body: Suggestion },
    errors: [
      "bad_content",
      "section_not_found",
      "base_too_old",
      "unknown_target",
      "document_quarantined",
      "conflict",
      "too_large",
    ],
  }),
  listSuggestions: route({
    method: "get",
    path: "/documents/{documentId}/suggestions",
    tag: "Suggestions",
    summary: "The suggestions for a document, the newest first",
    access: at("read"),
    params: OfDocument,
    query: PageQuery.extend({ status: z.enum(SUGGESTION_STATUSES).optional() }),
    answer: {
      status: 200,
      body: z.object({ suggestions: z.array(Suggestion), nextCursor: NextCursor }),
    },
    errors: ["document_quarantined"],
  }),
  getSuggestion: route({
    method: "get",
    path: "/documents/{documentId}/suggestions/{suggestionId}",
    tag: "Suggestions",
    summary: "A suggestion, with how each hunk stands in the text of now",
    access: at("read"),
    params: OfSuggestion,
    answer: { status: 200, body: Suggestion },
    errors: ["not_found", "document_quarantined"],
  }),
  tryOutSuggestion: route({
    method: "post",
    path: "/documents/{documentId}/suggestions/{suggestionId}/dry-run",
    tag: "Suggestions",
    summary: "What would come of accepting it, which changes nothing",
    description:
      "The text that it would make as Markdown, what would be refused, and the threads about words that would go.",
    access: at("suggest"),
    params: OfSuggestion,
    body: Trial,
    example: {},
    answer: { status: 200, body: Outcome },
    errors: [...refusals, "bad_content"],
  }),
  acceptSuggestion: route({
    method: "post",
    path: "/documents/{documentId}/suggestions/{suggestionId}/accept",
    tag: "Suggestions",
    summary: "Accept all of a suggestion, some diffs, or some hunks",
    description:
      "What is clean or rebased is applied. A hunk in conflict never is, unless `instead` says what is to stand there. Accepted twice it changes nothing.",
    access: decides,
    params: OfSuggestion,
    body: Acceptance,
    example: { onlyClean: true },
    answer: { status: 200, body: Outcome },
    errors: [...refusals, "bad_content"],
  }),
  rejectSuggestion: route({
    method: "post",
    path: "/documents/{documentId}/suggestions/{suggestionId}/reject",
    tag: "Suggestions",
    summary: "Reject all of a suggestion, some diffs, or some hunks",
    access: decides,
    params: OfSuggestion,
    body: Choice,
    example: { reason: "We say it so on purpose" },
    answer: { status: 200, body: Outcome },
    errors: refusals,
  }),
  takeBackSuggestion: route({
    method: "post",
    path: "/documents/{documentId}/suggestions/{suggestionId}/take-back",
    tag: "Suggestions",
    summary: "Take accepted hunks out of the text again",
    description: "What others wrote since stays, also inside what was accepted.",
    access: decides,
    params: OfSuggestion,
    body: Choice,
    example: { reason: "Too short" },
    answer: { status: 200, body: Outcome },
    errors: refusals,
  }),
  listOutcomes: route({
    method: "get",
    path: "/agents/{agentId}/outcomes",
    tag: "Suggestions",
    summary: "What became of what an agent suggested, hunk by hunk, the newest first",
    description:
      "`trustScore` is 100 × (accepted + 5) / (decided + 10): of its decided hunks the part that is in a text; what was taken back counts as rejected.",
    access: { who: "right", right: "read", at: "agent", in: "agentId" },
    params: z.object({ agentId: Id }),
    query: PageQuery,
    answer: {
      status: 200,
      body: z.object({
        trustScore: z.number(),
        accepted: z.int(),
        rejected: z.int(),
        takenBack: z.int(),
        pending: z.int(),
        outcomes: z.array(
          z.object({
            hunkId: Id,
            suggestionId: Id,
            documentId: Id,
            kind: z.enum(HUNK_KINDS),
            before: z.string(),
            after: z.string(),
            decision: z.enum(HUNK_DECISIONS),
            state: z.enum(HUNK_STATES).nullable().describe("when it was decided"),
            reason: z.string().nullable(),
            instead: Instead,
            decidedAt: Moment.nullable(),
          }),
        ),
        nextCursor: NextCursor,
      }),
    },
  }),
} as const;
