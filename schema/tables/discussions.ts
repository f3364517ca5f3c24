import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  unique,
  uuid,
  type AnyPgColumn,
} from "drizzle-orm/pg-core";
import { COMMENT_PARENTS, MENTION_SOURCES, MENTIONED_KINDS } from "../closed-sets.ts";
import { agents } from "./agents.ts";
import { createdAt, id, moment, oneOf, updatedAt } from "./columns.ts";
import { users } from "./organizations.ts";
import { projects } from "./projects.ts";

/**
 * Threads and their replies as SQL sees them. A thread's first comment has no `thread_id`, and its id is the thread's.
 * Written by the command that writes the Yjs document `comments:<uuid>`, in the same transaction.
 */
export const comments = pgTable(
  "comments",
  {
    id: id(),
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    parentType: text("parent_type", { enum: COMMENT_PARENTS }).notNull(),
    // Of several kinds of parents: no foreign key.
    parentId: uuid("parent_id").notNull(),
    /** Null: the first comment of a thread. */
    threadId: uuid("thread_id").references((): AnyPgColumn => comments.id, { onDelete: "cascade" }),
    /** Tiptap JSON. */
    content: jsonb("content").$type<Record<string, unknown>>().notNull(),
    /** Of a first comment: what it is about in the text (schema/anchor.ts); null: the whole document. */
    anchorData: jsonb("anchor_data").$type<Record<string, unknown>>(),
    /** Its place cannot be found in the text any more. */
    detached: boolean("detached").notNull().default(false),
    /** `{ "👍": ["user:<uuid>"] }` */
    reactions: jsonb("reactions").$type<Record<string, string[]>>().notNull().default({}),
    isAgent: boolean("is_agent").notNull().default(false),
    agentType: text("agent_type"),
    agentId: uuid("agent_id").references(() => agents.id, { onDelete: "set null" }),
    resolved: boolean("resolved").notNull().default(false),
    resolvedBy: uuid("resolved_by").references(() => users.id, { onDelete: "set null" }),
    resolvedByAgentId: uuid("resolved_by_agent_id").references(() => agents.id, {
      onDelete: "set null",
    }),
    resolvedAt: moment("resolved_at"),
    /** Of an agent: the person it acts for. */
    createdBy: uuid("created_by").references(() => users.id, { onDelete: "set null" }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    /** When its words were changed last. */
    editedAt: moment("edited_at"),
    deletedAt: moment("deleted_at"),
  },
  (table) => [
    index("idx_comments_parent")
      .on(table.parentType, table.parentId)
      .where(sql`${table.deletedAt} is null`),
    // Of deleted ones too: ON DELETE CASCADE has to find them.
    index("idx_comments_thread").on(table.threadId),
    index("idx_comments_project").on(table.projectId),
    index("idx_comments_created_by").on(table.createdBy),
    index("idx_comments_resolved_by").on(table.resolvedBy),
    index("idx_comments_agent").on(table.agentId),
    index("idx_comments_resolved_by_agent").on(table.resolvedByAgentId),
    oneOf("comments_parent_type_check", table.parentType, COMMENT_PARENTS),
  ],
);

/** Who and what is mentioned in committed text now; what was taken out of the text has no row. */
export const mentions = pgTable(
  "mentions",
  {
    id: id(),
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    sourceType: text("source_type", { enum: MENTION_SOURCES }).notNull(),
    sourceId: uuid("source_id").notNull(),
    targetType: text("target_type", { enum: MENTIONED_KINDS }).notNull(),
    targetId: uuid("target_id").notNull(),
    /**
     * 1 for the first mention of a target in a source, 2 for the second: a mention node has no id. What is cut out and
     * pasted again is the same occurrence, and so notifies nobody twice.
     */
    occurrence: integer("occurrence").notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    unique("mentions_source_target_occurrence_key").on(
      table.sourceType,
      table.sourceId,
      table.targetType,
      table.targetId,
      table.occurrence,
    ),
    index("idx_mentions_source").on(table.sourceType, table.sourceId),
    index("idx_mentions_target").on(table.targetType, table.targetId),
    index("idx_mentions_project").on(table.projectId),
    oneOf("mentions_source_type_check", table.sourceType, MENTION_SOURCES),
    oneOf("mentions_target_type_check", table.targetType, MENTIONED_KINDS),
    check("mentions_occurrence_check", sql`${table.occurrence} > 0`),
  ],
);
