import { sql } from "drizzle-orm";
import {
  bigint,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { HUNK_DECISIONS, SUGGESTION_STATUSES } from "../closed-sets.ts";
import { agents } from "./agents.ts";
import { bytea, createdAt, id, moment, oneOf, updatedAt } from "./columns.ts";
import { documents } from "./documents.ts";
import { users } from "./organizations.ts";
import { projects } from "./projects.ts";

/** What an agent, or a person, proposes to change in a document (seed 000, section 15). Nothing of it is in the document. */
export const agentSuggestions = pgTable(
  "agent_suggestions",
  {
    id: id(),
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    documentId: uuid("document_id")
      .notNull()
      .references(() => documents.id, { onDelete: "cascade" }),
    /** The code of the agent; `person` where there is none. */
    agentType: text("agent_type").notNull(),
    agentId: uuid("agent_id").references(() => agents.id, { onDelete: "set null" }),
    /** Who sent it; of an agent, the person it acts for. */
    createdBy: uuid("created_by").references(() => users.id, { onDelete: "set null" }),
    /** The person who asked for it. */
    promptedBy: uuid("prompted_by").references(() => users.id, { onDelete: "set null" }),
    /** The position of the log that it was made on. */
    baseSeq: bigint("base_seq", { mode: "number" }).notNull(),
    /** `[{ id, op, sectionId, oldContent, newContent, explanation }]`, content as Tiptap JSON. */
    diffs: jsonb("diffs").$type<Record<string, unknown>[]>().notNull(),
    status: text("status", { enum: SUGGESTION_STATUSES }).notNull().default("pending"),
    /** Of which every hunk is. */
    acceptedDiffs: uuid("accepted_diffs").array().notNull().default([]),
    rejectedDiffs: uuid("rejected_diffs").array().notNull().default([]),
    contextSummary: text("context_summary"),
    conversationId: uuid("conversation_id"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    index("idx_suggestions_document").on(table.documentId, table.createdAt),
    index("idx_suggestions_status").on(table.projectId, table.status),
    index("idx_suggestions_agent").on(table.agentId),
    // ON DELETE SET NULL has to find whoever goes.
    index("idx_suggestions_created_by").on(table.createdBy),
    index("idx_suggestions_prompted_by").on(table.promptedBy),
    oneOf("agent_suggestions_status_check", table.status, SUGGESTION_STATUSES),
  ],
);

/** The smallest pieces of a suggestion, each decided by itself (schema/suggestion/hunk.ts). */
export const suggestionHunks = pgTable(
  "suggestion_hunks",
  {
    id: id(),
    suggestionId: uuid("suggestion_id")
      .notNull()
      .references(() => agentSuggestions.id, { onDelete: "cascade" }),
    documentId: uuid("document_id")
      .notNull()
      .references(() => documents.id, { onDelete: "cascade" }),
    /** Of the diff it is a piece of. */
    diffId: uuid("diff_id").notNull(),
    /** 0, 1, 2 in its suggestion, in the order of the document. */
    ordinal: integer("ordinal").notNull(),
    /** One Yjs update (v1), which depends on the base alone. */
    updateData: bytea("update_data").notNull(),
    /** Where it is, what stood there and what is to stand there. */
    parts: jsonb("parts").$type<unknown[]>().notNull(),
    block: jsonb("block").$type<Record<string, unknown>>(),
    blockId: text("block_id"),
    decision: text("decision", { enum: HUNK_DECISIONS }).notNull().default("pending"),
    /** How it stood when it was decided, and why it was decided so. */
    decidedState: text("decided_state"),
    reason: text("reason"),
    /** Markdown that was accepted in its place; null: it was accepted as it is, or not at all. */
    instead: text("instead"),
    decidedBy: uuid("decided_by").references(() => users.id, { onDelete: "set null" }),
    decidedAt: moment("decided_at"),
    /** Where in the log it was accepted; null: it is not in the document. */
    acceptedSeq: bigint("accepted_seq", { mode: "number" }),
    createdAt: createdAt(),
  },
  (table) => [
    unique("suggestion_hunks_ordinal_key").on(table.suggestionId, table.ordinal),
    index("idx_suggestion_hunks_pending")
      .on(table.documentId)
      .where(sql`${table.decision} = 'pending'`),
    // ON DELETE CASCADE has to find the decided ones too.
    index("idx_suggestion_hunks_document").on(table.documentId),
    index("idx_suggestion_hunks_decided_by").on(table.decidedBy),
    oneOf("suggestion_hunks_decision_check", table.decision, HUNK_DECISIONS),
    check(
      "suggestion_hunks_decided_check",
      sql`(${table.decision} = 'pending') = (${table.decidedAt} is null)`,
    ),
  ],
);
