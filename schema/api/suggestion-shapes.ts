import { z } from "zod";
import { HUNK_DECISIONS, SUGGESTION_STATUSES } from "../closed-sets.ts";
import { HUNK_KINDS } from "../suggestion/hunk.ts";
import { HUNK_STATES } from "../suggestion/state.ts";
import { Id, Moment } from "./common.ts";
import { Seq } from "./content.ts";
import { ContentJson } from "./documents.ts";

/** Words, blocks or attributes, for people. */
const Shown = z.object({
  text: z.string().describe("as plain text"),
  content: z.array(z.unknown()).describe("as Tiptap JSON nodes; empty for attributes"),
  attributes: z.record(z.string(), z.unknown()).nullable(),
});

const HunkState = z
  .enum(HUNK_STATES)
  .describe(
    "clean: as it was read; rebased: others wrote nearby; conflict: others rewrote the same; orphaned: its place is gone",
  );

/** What somebody accepted in the place of a hunk. */
export const Instead = z
  .string()
  .nullable()
  .describe("Markdown that was accepted in its place; null: it was accepted as it is, or not");

const Hunk = z
  .object({
    id: Id,
    diffId: Id,
    kind: z.enum(HUNK_KINDS),
    blockId: z
      .string()
      .nullable()
      .describe("the `id` of the top-level block it is in, or comes behind"),
    before: Shown,
    after: Shown,
    state: HunkState.nullable().describe("now; of what is decided, when it was; null: not known"),
    theirs: Shown.nullable().describe("of a conflict: what stands there now"),
    decision: z.enum(HUNK_DECISIONS),
    reason: z.string().nullable(),
    instead: Instead,
    decidedBy: Id.nullable(),
    decidedAt: Moment.nullable(),
    acceptedSeq: Seq.nullable(),
  })
  .meta({ id: "Hunk" });

/** Not `nullable()`: of a schema with a name the description would say that it is an object and may be null. */
const StoredContent = z.union([ContentJson, z.null()]).describe("null: there is none");

const StoredDiff = z
  .object({
    id: Id,
    op: z.enum(["replace", "delete", "insert", "move"]),
    sectionId: z.string().nullable(),
    oldContent: StoredContent,
    newContent: StoredContent,
    explanation: z.string().nullable(),
  })
  .meta({ id: "StoredDiff" });

/** A suggestion with its hunks. */
export const Suggestion = z
  .object({
    id: Id,
    documentId: Id,
    projectId: Id,
    author: z.object({
      userId: Id.nullable(),
      agentId: Id.nullable(),
      name: z.string().nullable(),
    }),
    agentType: z.string().describe("the code of the agent; `person`"),
    promptedBy: Id.nullable(),
    baseSeq: Seq,
    status: z.enum(SUGGESTION_STATUSES),
    acceptedDiffs: z.array(Id),
    rejectedDiffs: z.array(Id),
    contextSummary: z.string().nullable(),
    conversationId: Id.nullable(),
    createdAt: Moment,
    updatedAt: Moment,
    diffs: z.array(StoredDiff),
    hunks: z.array(Hunk).describe("the smallest pieces, each decided by itself"),
  })
  .meta({ id: "Suggestion" });
