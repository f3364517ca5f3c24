import { sql } from "drizzle-orm";
import {
  bigint,
  customType,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { createdAt, id, moment } from "./columns.ts";
import { documents } from "./documents.ts";

const tsvector = customType<{ data: string }>({ dataType: () => "tsvector" });

/**
 * The words of a document for the full-text search, kept by the projector, in pieces: PostgreSQL's tsvector holds at
 * most 1 MiB, and a document may be larger.
 */
export const documentWords = pgTable(
  "document_words",
  {
    documentId: uuid("document_id")
      .notNull()
      .references(() => documents.id, { onDelete: "cascade" }),
    /** 0, 1, 2 in the order of the text. */
    piece: integer("piece").notNull(),
    words: text("words").notNull(),
    search: tsvector("search")
      .notNull()
      // Without what PostgreSQL takes for tags, which it drops, and for the names of files, which it keeps whole.
      .generatedAlwaysAs(sql`to_tsvector('english', translate(words, '<>/', '   '))`),
  },
  (table) => [
    primaryKey({ columns: [table.documentId, table.piece] }),
    index("idx_document_words_search").using("gin", table.search),
  ],
);

/**
 * What one author did to a document since he began, until he has been quiet for a while: then it becomes one activity,
 * which can never be changed, and the row goes.
 */
export const editBursts = pgTable(
  "edit_bursts",
  {
    id: id(),
    documentId: uuid("document_id")
      .notNull()
      .references(() => documents.id, { onDelete: "cascade" }),
    // No foreign keys, as in yjs_updates: authorship outlives the account.
    userId: uuid("user_id"),
    agentId: uuid("agent_id"),
    firstSeq: bigint("first_seq", { mode: "number" }).notNull(),
    lastSeq: bigint("last_seq", { mode: "number" }).notNull(),
    beganAt: moment("began_at").notNull(),
    endedAt: moment("ended_at").notNull(),
    /** Characters. */
    added: integer("added").notNull().default(0),
    removed: integer("removed").notNull().default(0),
    /** Ids of the top-level blocks that were touched. */
    sections: text("sections")
      .array()
      .notNull()
      .default(sql`'{}'::text[]`),
    createdAt: createdAt(),
  },
  (table) => [
    unique("edit_bursts_author_key")
      .on(table.documentId, table.userId, table.agentId)
      .nullsNotDistinct(),
    index("idx_edit_bursts_ended").on(table.endedAt),
  ],
);
