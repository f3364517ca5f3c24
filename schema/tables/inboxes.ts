import { sql } from "drizzle-orm";
import {
  bigint,
  check,
  index,
  jsonb,
  pgTable,
  text,
  unique,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { NOTIFICATION_KINDS, NOTIFICATION_PRIORITIES } from "../closed-sets.ts";
import { agents } from "./agents.ts";
import { createdAt, id, moment, oneOf, updatedAt } from "./columns.ts";
import { users } from "./organizations.ts";
import { projects } from "./projects.ts";

/**
 * One for each person or agent who was ever notified, or who chose what he wants to hear of. Its row lock orders what
 * is put in, so that positions are in commit order and nobody who reads on from one misses another.
 */
export const inboxes = pgTable(
  "inboxes",
  {
    id: id(),
    userId: uuid("user_id")
      .unique("inboxes_user_id_key")
      .references(() => users.id, { onDelete: "cascade" }),
    agentId: uuid("agent_id")
      .unique("inboxes_agent_id_key")
      .references(() => agents.id, { onDelete: "cascade" }),
    /** The position of the newest notification; 0: there is none. */
    headPosition: bigint("head_position", { mode: "number" }).notNull().default(0),
    /** `{ "mention": false }`: what he does not want; a kind that is absent is wanted. */
    settings: jsonb("settings").$type<Record<string, boolean>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    check("inboxes_owner_check", sql`num_nonnulls(${table.userId}, ${table.agentId}) = 1`),
  ],
);

/** What somebody should know of. */
export const notifications = pgTable(
  "notifications",
  {
    id: id(),
    inboxId: uuid("inbox_id")
      .notNull()
      .references(() => inboxes.id, { onDelete: "cascade" }),
    /** 1, 2, 3 in its inbox. */
    position: bigint("position", { mode: "number" }).notNull(),
    /** The owner of the inbox again, as the base has it; null: an agent. */
    userId: uuid("user_id").references(() => users.id, { onDelete: "cascade" }),
    projectId: uuid("project_id").references(() => projects.id, { onDelete: "cascade" }),
    type: text("type", { enum: NOTIFICATION_KINDS }).notNull(),
    priority: text("priority", { enum: NOTIFICATION_PRIORITIES }).notNull().default("normal"),
    title: text("title").notNull(),
    body: text("body"),
    entityType: text("entity_type"),
    entityId: uuid("entity_id"),
    /** Ids that lead there: the document, the thread, the comment, who did it. */
    metadata: jsonb("metadata").$type<Record<string, unknown>>().notNull().default({}),
    /** What is told only once, ever: a second row with the same words of the same inbox is not inserted. */
    onceKey: text("once_key").notNull(),
    readAt: moment("read_at"),
    /** Not shown from then on; null: for good. */
    expiresAt: moment("expires_at"),
    createdAt: createdAt(),
  },
  (table) => [
    unique("notifications_inbox_position_key").on(table.inboxId, table.position),
    uniqueIndex("notifications_once_key").on(table.inboxId, table.onceKey),
    index("idx_notifications_unread")
      .on(table.inboxId, table.position)
      .where(sql`${table.readAt} is null`),
    // Of read ones too: ON DELETE CASCADE has to find them.
    index("idx_notifications_user").on(table.userId, table.readAt),
    index("idx_notifications_project").on(table.projectId),
    oneOf("notifications_type_check", table.type, NOTIFICATION_KINDS),
    oneOf("notifications_priority_check", table.priority, NOTIFICATION_PRIORITIES),
  ],
);
