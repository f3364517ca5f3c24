import { sql } from "drizzle-orm";
import {
  index,
  integer,
  jsonb,
  pgTable,
  text,
  unique,
  uuid,
  type AnyPgColumn,
} from "drizzle-orm/pg-core";
import { ROLES } from "../roles.ts";
import { createdAt, id, moment, oneOf, updatedAt } from "./columns.ts";
import { organizations, users } from "./organizations.ts";

/** What documents belong to, inside an organization. */
export const projects = pgTable(
  "projects",
  {
    id: id(),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    slug: text("slug").notNull(),
    description: text("description"),
    settings: jsonb("settings").$type<Record<string, unknown>>().notNull().default({}),
    archivedAt: moment("archived_at"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    unique("projects_organization_id_slug_key").on(table.organizationId, table.slug),
    index("idx_projects_org")
      .on(table.organizationId)
      .where(sql`${table.archivedAt} is null`),
  ],
);

/** A person's role in one project. A row with `removed_at` grants nothing; it is kept so that who once had access stays known. */
export const collaborators = pgTable(
  "collaborators",
  {
    id: id(),
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    userId: uuid("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    invitedByUserId: uuid("invited_by_user_id").references(() => users.id, {
      onDelete: "set null",
    }),
    role: text("role", { enum: ROLES }).notNull().default("viewer"),
    permissions: jsonb("permissions").$type<Record<string, unknown>>().notNull().default({}),
    lastAccessedAt: moment("last_accessed_at"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    removedAt: moment("removed_at"),
  },
  (table) => [
    unique("collaborators_project_id_user_id_key").on(table.projectId, table.userId),
    index("idx_collaborators_project_id").on(table.projectId),
    index("idx_collaborators_user_id").on(table.userId),
    index("idx_collaborators_invited_by_user_id").on(table.invitedByUserId),
    index("idx_collaborators_role").on(table.role),
    oneOf("collaborators_role_check", table.role, ROLES),
  ],
);

/** A tree of topics inside a project. */
export const features = pgTable(
  "features",
  {
    id: id(),
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    parentId: uuid("parent_id").references((): AnyPgColumn => features.id, {
      onDelete: "cascade",
    }),
    name: text("name").notNull(),
    slug: text("slug").notNull(),
    sortOrder: integer("sort_order").notNull().default(0),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: moment("deleted_at"),
  },
  (table) => [
    unique("features_project_id_slug_key").on(table.projectId, table.slug),
    index("idx_features_project")
      .on(table.projectId)
      .where(sql`${table.deletedAt} is null`),
    index("idx_features_parent").on(table.parentId),
  ],
);
