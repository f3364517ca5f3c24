import { sql } from "drizzle-orm";
import {
  boolean,
  index,
  jsonb,
  pgTable,
  text,
  unique,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { ORGANIZATION_ROLES } from "../closed-sets.ts";
import { createdAt, id, moment, oneOf, updatedAt } from "./columns.ts";

/** A tenant: everything below it is invisible to all others. */
export const organizations = pgTable(
  "organizations",
  {
    id: id(),
    name: text("name").notNull(),
    slug: text("slug").notNull().unique("organizations_slug_key"),
    logoUrl: text("logo_url"),
    settings: jsonb("settings").$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: moment("deleted_at"),
  },
  (table) => [
    index("idx_organizations_slug")
      .on(table.slug)
      .where(sql`${table.deletedAt} is null`),
  ],
);

/** A person. What he may do stands in memberships and collaborations. */
export const users = pgTable(
  "users",
  {
    id: id(),
    email: text("email").notNull().unique("users_email_key"),
    name: text("name").notNull(),
    avatarUrl: text("avatar_url"),
    emailVerified: boolean("email_verified").notNull().default(false),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    index("idx_users_email").on(table.email),
    // One person for an address, however it is written; and found without a scan. "C": only A to Z are lowered.
    uniqueIndex("idx_users_email_lower").on(sql`lower(${table.email} collate "C")`),
  ],
);

/** A person's place in an organization. */
export const organizationMembers = pgTable(
  "organization_members",
  {
    id: id(),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id, { onDelete: "cascade" }),
    userId: uuid("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    role: text("role", { enum: ORGANIZATION_ROLES }).notNull().default("member"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    unique("organization_members_organization_id_user_id_key").on(
      table.organizationId,
      table.userId,
    ),
    index("idx_org_members_org").on(table.organizationId),
    index("idx_org_members_user").on(table.userId),
    oneOf("organization_members_role_check", table.role, ORGANIZATION_ROLES),
  ],
);
