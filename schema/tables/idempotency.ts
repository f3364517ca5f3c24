import { index, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { bytea, createdAt } from "./columns.ts";

/** Requests that must not be done twice, with their first answer; kept for a day. */
export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    /** The user, or the API key, that sent it. No foreign key: it outlives neither by more than a day. */
    holderId: uuid("holder_id").notNull(),
    key: text("key").notNull(),
    /** SHA-256 of path and body. */
    requestHash: bytea("request_hash").notNull(),
    /** Null only inside the transaction that makes it. */
    answer: jsonb("answer").$type<Record<string, unknown>>(),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.holderId, table.key] }),
    index("idx_idempotency_keys_created").on(table.createdAt),
  ],
);
