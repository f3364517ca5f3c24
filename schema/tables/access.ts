import { sql } from "drizzle-orm";
import { check, index, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { ROLES } from "../roles.ts";
import { agents } from "./agents.ts";
import { bytea, createdAt, id, moment, oneOf, updatedAt } from "./columns.ts";
import { organizations, users } from "./organizations.ts";
import { projects } from "./projects.ts";

/** A signed-in person: a token until it expires or is revoked. */
export const sessions = pgTable(
  "sessions",
  {
    id: id(),
    userId: uuid("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    /** SHA-256 of the token: a stolen table signs nobody in. No salt needed, the token is random. */
    tokenHash: bytea("token_hash").notNull().unique("sessions_token_hash_key"),
    expiresAt: moment("expires_at").notNull(),
    ipAddress: text("ip_address"),
    userAgent: text("user_agent"),
    revokedAt: moment("revoked_at"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    index("idx_sessions_token").on(table.tokenHash),
    index("idx_sessions_user").on(table.userId),
    index("idx_sessions_expires").on(table.expiresAt),
    check("sessions_token_hash_check", sql`octet_length(${table.tokenHash}) = 32`),
  ],
);

/** A key of a person, or, with `agent_id`, of an agent (`user_id` is then whoever made the key). Several may live at once: that is rotation. */
export const apiKeys = pgTable(
  "api_keys",
  {
    id: id(),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id, { onDelete: "cascade" }),
    /** Null: the whole organization. */
    projectId: uuid("project_id").references(() => projects.id, { onDelete: "cascade" }),
    userId: uuid("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    agentId: uuid("agent_id").references(() => agents.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    keyPrefix: text("key_prefix").notNull(),
    /** bcrypt of the full key. */
    keyHash: text("key_hash").notNull(),
    scopes: text("scopes")
      .array()
      .notNull()
      .default(sql`'{}'::text[]`),
    /** The most this key may do, whatever its principal may. */
    role: text("role", { enum: ROLES }).notNull().default("editor"),
    lastUsedAt: moment("last_used_at"),
    expiresAt: moment("expires_at"),
    createdAt: createdAt(),
    revokedAt: moment("revoked_at"),
  },
  (table) => [
    // Unique, so that a presented key costs at most one bcrypt (A4).
    uniqueIndex("idx_api_keys_prefix")
      .on(table.keyPrefix)
      .where(sql`${table.revokedAt} is null`),
    index("idx_api_keys_org").on(table.organizationId),
    index("idx_api_keys_project").on(table.projectId),
    index("idx_api_keys_user").on(table.userId),
    index("idx_api_keys_agent").on(table.agentId),
    oneOf("api_keys_role_check", table.role, ROLES),
  ],
);

/** A link that signs a person in once. */
export const signInLinks = pgTable(
  "sign_in_links",
  {
    id: id(),
    userId: uuid("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    /** SHA-256 of the token in the link. */
    tokenHash: bytea("token_hash").notNull().unique("sign_in_links_token_hash_key"),
    expiresAt: moment("expires_at").notNull(),
    /** The link is dead from here on. */
    usedAt: moment("used_at"),
    createdAt: createdAt(),
  },
  (table) => [
    index("idx_sign_in_links_user").on(table.userId),
    index("idx_sign_in_links_expires").on(table.expiresAt),
    check("sign_in_links_token_hash_check", sql`octet_length(${table.tokenHash}) = 32`),
  ],
);
