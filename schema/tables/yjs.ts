import { sql } from "drizzle-orm";
import {
  bigint,
  check,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  uuid,
  type AnyPgColumn,
} from "drizzle-orm/pg-core";
import { PARTS } from "../ids.ts";
import { bytea, createdAt, moment, oneOf, updatedAt } from "./columns.ts";
import { documents } from "./documents.ts";
import { HISTORY_ENCODINGS, SET_ASIDE_KINDS, SNAPSHOT_ENCODINGS } from "./encodings.ts";

// A log position. A JavaScript number is exact to 2^53, which no document reaches.
const seq = (name: string) => bigint(name, { mode: "number" });

const part = () => text("part", { enum: PARTS }).notNull().default("content");

/**
 * One Yjs document: its snapshot and its three positions in the log.
 * The row lock taken by advancing `head_seq` orders a document's appends (L4). Storage parameters: migration 0001.
 */
export const yjsDocuments = pgTable(
  "yjs_documents",
  {
    documentId: uuid("document_id")
      .notNull()
      .references(() => documents.id, { onDelete: "cascade" }),
    part: part(),
    /** The snapshot: everything up to `state_seq`. Empty: there is none yet. */
    state: bytea("state")
      .notNull()
      .default(sql`''::bytea`),
    stateVector: bytea("state_vector"),
    encoding: text("encoding", { enum: SNAPSHOT_ENCODINGS }).notNull().default("v2+zstd"),
    /** The last committed position; 0 before the first update. */
    headSeq: seq("head_seq").notNull().default(0),
    stateSeq: seq("state_seq").notNull().default(0),
    /** What the projector has derived; -1: all is to be derived again, but nothing told of as an edit. */
    projectedSeq: seq("projected_seq").notNull().default(0),
    /** The row that cannot be applied; the document opens read-only before it. Null: sound. */
    quarantinedSeq: seq("quarantined_seq"),
    quarantineReason: text("quarantine_reason"),
    /** A copy that was loaded before the last repair may hold what was set aside: it appends nothing any more. */
    repairs: integer("repairs").notNull().default(0),
    compactedAt: moment("compacted_at"),
    // Set by the statements that write here: a trigger on every append would be felt.
    updatedAt: updatedAt(),
  },
  (table) => [
    primaryKey({ columns: [table.documentId, table.part] }),
    // No index on projected_seq < head_seq: it would make every append touch it, so none would be a HOT update.
    // Measured: 0 % HOT and 24 times the table with it, 100 % without; the projector's scan of 100,000 rows takes 12 ms.
    oneOf("yjs_documents_part_check", table.part, PARTS),
    oneOf("yjs_documents_encoding_check", table.encoding, SNAPSHOT_ENCODINGS),
    check(
      "yjs_documents_seq_check",
      sql`${table.stateSeq} <= ${table.headSeq} and ${table.projectedSeq} <= ${table.headSeq}`,
    ),
  ],
);

/**
 * The log: every committed update after the snapshot.
 * The key is (document, part, seq), not the base's bigserial: a sequence commits out of order, so `id <= max` would
 * skip or delete rows still in flight (FIELD-NOTES 17), while `seq` is given out under the row lock of yjs_documents.
 */
export const yjsUpdates = pgTable(
  "yjs_updates",
  {
    documentId: uuid("document_id").notNull(),
    part: part(),
    seq: seq("seq").notNull(),
    /** A Yjs update, v1, as it is sent on the wire. */
    updateData: bytea("update_data").notNull(),
    /** The same for all rows of one group commit; tells a retry that its first try did commit (L5). */
    batchId: uuid("batch_id").notNull(),
    // No foreign keys: authorship outlives the account, and each would cost a lookup per row on the hot path.
    userId: uuid("user_id"),
    agentId: uuid("agent_id"),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.documentId, table.part, table.seq] }),
    owned("yjs_updates_document_fkey", table),
    check("yjs_updates_seq_check", sql`${table.seq} > 0`),
  ],
);

/** The rows that compaction took out of the log, packed with their seq, author and time. Pruned when their retention ends. */
export const yjsHistory = pgTable(
  "yjs_history",
  {
    documentId: uuid("document_id").notNull(),
    part: part(),
    firstSeq: seq("first_seq").notNull(),
    lastSeq: seq("last_seq").notNull(),
    updates: bytea("updates").notNull(),
    encoding: text("encoding", { enum: HISTORY_ENCODINGS }).notNull().default("columns+zstd"),
    updateCount: integer("update_count").notNull(),
    /** Bytes of the updates before packing. */
    rawBytes: integer("raw_bytes").notNull(),
    /** When the first and the last of the packed rows were committed. */
    createdFrom: moment("created_from").notNull(),
    createdTo: moment("created_to").notNull(),
    archivedAt: moment("archived_at").notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.documentId, table.part, table.firstSeq] }),
    owned("yjs_history_document_fkey", table),
    index("idx_yjs_history_archived_at").on(table.archivedAt),
    oneOf("yjs_history_encoding_check", table.encoding, HISTORY_ENCODINGS),
    check(
      "yjs_history_seq_check",
      sql`${table.firstSeq} > 0 and ${table.lastSeq} >= ${table.firstSeq}`,
    ),
  ],
);

/**
 * What a repair took out of a document, as it was: nothing that was ever committed is deleted. Apart from `yjs_history`,
 * which holds every seq once: there the empty update stands that has taken its place in the log (L4).
 */
export const yjsSetAside = pgTable(
  "yjs_set_aside",
  {
    documentId: uuid("document_id").notNull(),
    part: part(),
    /** Of the row, or of the snapshot. */
    seq: seq("seq").notNull(),
    kind: text("kind", { enum: SET_ASIDE_KINDS }).notNull(),
    /** The bytes of the update or the snapshot; null for a row that was not there. */
    original: bytea("original"),
    /** Of a snapshot. */
    encoding: text("encoding", { enum: SNAPSHOT_ENCODINGS }),
    /** Of a row. */
    userId: uuid("user_id"),
    agentId: uuid("agent_id"),
    createdAt: moment("created_at"),
    reason: text("reason").notNull(),
    setAsideAt: moment("set_aside_at").notNull().defaultNow(),
  },
  (table) => [
    primaryKey({
      columns: [table.documentId, table.part, table.seq, table.kind, table.setAsideAt],
    }),
    owned("yjs_set_aside_document_fkey", table),
    oneOf("yjs_set_aside_kind_check", table.kind, SET_ASIDE_KINDS),
    oneOf("yjs_set_aside_encoding_check", table.encoding, SNAPSHOT_ENCODINGS),
  ],
);

/** Binds a Yjs client id to its author: how "who wrote this sentence" is answered. */
export const yjsClients = pgTable(
  "yjs_clients",
  {
    documentId: uuid("document_id").notNull(),
    part: part(),
    clientId: bigint("client_id", { mode: "number" }).notNull(),
    // No foreign keys, as in yjs_updates.
    userId: uuid("user_id"),
    agentId: uuid("agent_id"),
    /** Where in the log the client id was first seen. */
    firstSeq: seq("first_seq").notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.documentId, table.part, table.clientId] }),
    owned("yjs_clients_document_fkey", table),
  ],
);

/** Rows go with their Yjs document. The key also holds `part` to its closed set: the owned tables need no CHECK of their own. */
function owned(name: string, table: { documentId: AnyPgColumn; part: AnyPgColumn }) {
  return foreignKey({
    name,
    columns: [table.documentId, table.part],
    foreignColumns: [yjsDocuments.documentId, yjsDocuments.part],
  }).onDelete("cascade");
}
