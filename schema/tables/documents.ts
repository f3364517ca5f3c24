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
import { DOCUMENT_TYPES, VERSION_KINDS } from "../closed-sets.ts";
import { bytea, createdAt, id, moment, oneOf, updatedAt } from "./columns.ts";
import { SNAPSHOT_ENCODINGS } from "./encodings.ts";
import { users } from "./organizations.ts";
import { features, projects } from "./projects.ts";

/** A document as SQL sees it. The truth is in the yjs tables; content, content_text, its counts and diagram_source are kept by the projector. */
export const documents = pgTable(
  "documents",
  {
    id: id(),
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    featureId: uuid("feature_id").references(() => features.id, { onDelete: "set null" }),
    type: text("type", { enum: DOCUMENT_TYPES }).notNull(),
    title: text("title").notNull(),
    slug: text("slug").notNull(),
    /** Tiptap JSON. */
    content: jsonb("content").$type<Record<string, unknown>>(),
    /** The plain text of `content`. */
    contentText: text("content_text"),
    /** Of `content_text`; null: never projected. */
    wordCount: integer("word_count"),
    characterCount: integer("character_count"),
    /** Mermaid source of a system diagram. */
    diagramSource: text("diagram_source"),
    // A plain id until the templates table exists.
    templateId: uuid("template_id"),
    sortOrder: integer("sort_order").notNull().default(0),
    createdBy: uuid("created_by").references(() => users.id, { onDelete: "set null" }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: moment("deleted_at"),
  },
  (table) => [
    unique("documents_project_id_type_slug_key").on(table.projectId, table.type, table.slug),
    index("idx_documents_project_type")
      .on(table.projectId, table.type)
      .where(sql`${table.deletedAt} is null`),
    // The base's index leaves out deleted rows; ON DELETE SET NULL has to find those too.
    index("idx_documents_feature").on(table.featureId),
    index("idx_documents_created_by").on(table.createdBy),
    index("idx_documents_title_search").using(
      "gin",
      sql`to_tsvector('english', translate(${table.title}, '<>/', '   '))`,
    ),
    oneOf("documents_type_check", table.type, DOCUMENT_TYPES),
  ],
);

/** A point in a document's history that can be read, compared and restored. */
export const documentVersions = pgTable(
  "document_versions",
  {
    id: id(),
    documentId: uuid("document_id")
      .notNull()
      .references(() => documents.id, { onDelete: "cascade" }),
    /** Counted per document by people: 1, 2, 3. */
    versionNumber: integer("version_number").notNull(),
    /** The log position of part `content` that this version captures. */
    seq: bigint("seq", { mode: "number" }).notNull(),
    kind: text("kind", { enum: VERSION_KINDS }).notNull().default("automatic"),
    name: text("name"),
    content: jsonb("content").$type<Record<string, unknown>>().notNull(),
    diagramSource: text("diagram_source"),
    /** The Yjs snapshot, as `encoding` says. */
    state: bytea("state"),
    encoding: text("encoding", { enum: SNAPSHOT_ENCODINGS }),
    changeSummary: text("change_summary"),
    createdBy: uuid("created_by").references(() => users.id, { onDelete: "set null" }),
    createdAt: createdAt(),
  },
  (table) => [
    unique("document_versions_document_id_version_number_key").on(
      table.documentId,
      table.versionNumber,
    ),
    // Nulls first is what "desc" means in PostgreSQL and not what Drizzle writes; otherwise the index cannot serve the order.
    index("idx_doc_versions_document").on(
      table.documentId,
      table.versionNumber.desc().nullsFirst(),
    ),
    index("idx_doc_versions_created_by").on(table.createdBy),
    oneOf("document_versions_kind_check", table.kind, VERSION_KINDS),
    oneOf("document_versions_encoding_check", table.encoding, SNAPSHOT_ENCODINGS),
    // A state whose encoding is unknown could not be read.
    check(
      "document_versions_state_check",
      sql`(${table.state} is null) = (${table.encoding} is null)`,
    ),
  ],
);
