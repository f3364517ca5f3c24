import { sql, type SQL } from "drizzle-orm";
import { check, customType, timestamp, uuid, type AnyPgColumn } from "drizzle-orm/pg-core";

/** A `bytea` column. postgres.js answers with a `Buffer`, which is a `Uint8Array`. */
export const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({
  dataType: () => "bytea",
});

/** A point in time. Always `timestamptz`: a server may run in any zone. */
export const moment = (name: string) => timestamp(name, { withTimezone: true });

/** The key of nearly every table. `gen_random_uuid()` is built in since PostgreSQL 13. */
export const id = () => uuid("id").primaryKey().defaultRandom();

/** When the row was inserted. */
export const createdAt = () => moment("created_at").notNull().defaultNow();

/** Kept by the trigger `set_updated_at`, so no statement has to remember it (yjs_documents is the exception). */
export const updatedAt = () => moment("updated_at").notNull().defaultNow();

/**
 * A CHECK that holds a text column to a closed set.
 * The members are written into the constraint as literals (DDL takes no parameters), so they are constants of ours, never input.
 */
export function oneOf(name: string, column: AnyPgColumn, members: readonly string[]) {
  return check(name, sql`${column} in (${literals(members)})`);
}

const literals = (members: readonly string[]): SQL =>
  sql.raw(members.map((member) => `'${member}'`).join(", "));
