import { sql } from "drizzle-orm";
import { check, index, jsonb, numeric, pgTable, text, unique, uuid } from "drizzle-orm/pg-core";
import { AGENT_LEVELS, AGENT_STATUSES } from "../closed-sets.ts";
import { createdAt, id, moment, oneOf, updatedAt } from "./columns.ts";
import { organizations } from "./organizations.ts";
import { projects } from "./projects.ts";

/** An AI agent with an identity of its own. Its keys live in `api_keys`, several at a time, so that they can be rotated. */
export const agents = pgTable(
  "agents",
  {
    id: id(),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id, { onDelete: "cascade" }),
    // Cascade, not set null: agents_level_check forbids a project agent without its project.
    projectId: uuid("project_id").references(() => projects.id, { onDelete: "cascade" }),
    agentLevel: text("agent_level", { enum: AGENT_LEVELS }).notNull(),
    agentCode: text("agent_code").notNull(),
    name: text("name").notNull(),
    roleTitle: text("role_title").notNull(),
    status: text("status", { enum: AGENT_STATUSES }).notNull().default("active"),
    /** 0 to 100, two decimals. */
    trustScore: numeric("trust_score", { precision: 5, scale: 2, mode: "number" })
      .notNull()
      .default(50),
    publicKey: text("public_key"),
    capabilities: jsonb("capabilities").$type<string[]>().notNull().default([]),
    settings: jsonb("settings").$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: moment("deleted_at"),
  },
  (table) => [
    unique("idx_agents_organization_code").on(table.organizationId, table.agentCode),
    // Without NULLS NOT DISTINCT two agents of the organization level could share a name.
    unique("idx_agents_organization_project_name")
      .on(table.organizationId, table.projectId, table.name)
      .nullsNotDistinct(),
    index("idx_agents_organization_id").on(table.organizationId),
    index("idx_agents_project_id").on(table.projectId),
    index("idx_agents_agent_level").on(table.agentLevel),
    index("idx_agents_agent_code").on(table.agentCode),
    index("idx_agents_status").on(table.status),
    index("idx_agents_trust_score").on(table.trustScore),
    index("idx_agents_deleted_at").on(table.deletedAt),
    oneOf("agents_agent_level_check", table.agentLevel, AGENT_LEVELS),
    oneOf("agents_status_check", table.status, AGENT_STATUSES),
    check(
      "agents_level_check",
      sql`(${table.agentLevel} = 'project') = (${table.projectId} is not null)`,
    ),
    check("agents_trust_score_check", sql`${table.trustScore} between 0 and 100`),
    check("agents_agent_code_check", sql`${table.agentCode} ~ '^[a-z0-9-]{1,100}$'`),
  ],
);
