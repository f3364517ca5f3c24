import { bigint, index, jsonb, pgTable, text, unique, uuid } from "drizzle-orm/pg-core";
import { ACTIVITY_ACTIONS, ACTIVITY_ENTITIES, ACTOR_TYPES } from "../closed-sets.ts";
import { createdAt, id, oneOf } from "./columns.ts";

/**
 * What happened and who did it, for good: a trigger refuses UPDATE, DELETE and TRUNCATE.
 * No foreign keys, because each would change or delete a row when an account goes. So no row holds a name, an e-mail
 * address or a whole IP address: it is ids that outlive the person, and nothing that a person could ask to have erased.
 */
export const activities = pgTable(
  "activities",
  {
    id: id(),
    /** For cursors: rises with every row. */
    position: bigint("position", { mode: "number" }).notNull().generatedAlwaysAsIdentity(),
    /** Null: of no organization, as a sign-in. */
    organizationId: uuid("organization_id"),
    /** Null: of the whole organization, or of none. */
    projectId: uuid("project_id"),
    entityType: text("entity_type", { enum: ACTIVITY_ENTITIES }).notNull(),
    /** Null: nobody knows who or what was meant, as in a failed sign-in. */
    entityId: uuid("entity_id"),
    action: text("action", { enum: ACTIVITY_ACTIONS }).notNull(),
    /** `{ "role": { "old": "editor", "new": null } }` */
    changes: jsonb("changes").$type<Record<string, { old: unknown; new: unknown }>>(),
    metadata: jsonb("metadata").$type<Record<string, unknown>>().notNull().default({}),
    actorId: uuid("actor_id"),
    actorType: text("actor_type", { enum: ACTOR_TYPES }).notNull().default("user"),
    createdAt: createdAt(),
  },
  (table) => [
    unique("activities_position_key").on(table.position),
    index("idx_activities_project").on(table.projectId, table.createdAt.desc()),
    index("idx_activities_entity").on(table.entityType, table.entityId, table.createdAt.desc()),
    // For feeds, which are read from a position on.
    index("idx_activities_project_position").on(table.projectId, table.position),
    index("idx_activities_entity_position").on(table.entityId, table.position),
    oneOf("activities_entity_type_check", table.entityType, ACTIVITY_ENTITIES),
    oneOf("activities_action_check", table.action, ACTIVITY_ACTIONS),
    oneOf("activities_actor_type_check", table.actorType, ACTOR_TYPES),
  ],
);
