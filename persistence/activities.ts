import type { PendingQuery, Row } from "postgres";
import type { ActivityAction, ActivityEntity, ActorType } from "../schema/closed-sets.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";

/** Who does something, and how: what an activity says beside what was done. Ids only, never a token. */
export type Actor = {
  readonly type: ActorType;
  /** Of the user or the agent; null for the system. */
  readonly id: string | null;
  readonly via: "session" | "jwt" | "key" | "link" | "script" | "first_start" | "upkeep";
  /** The key that it was done with. */
  readonly keyId?: string;
  /** The person whom an agent acted for. */
  readonly userId?: string;
  readonly requestId?: string;
  /** The network that it came from, as `coarseNetworkOf` writes it: rows are kept for good, an address must not be. */
  readonly network?: string;
};

/** The administration script. */
export const SCRIPT: Actor = { type: "system", id: null, via: "script" };

/** What the server does by itself while nobody asks. */
export const UPKEEP: Actor = { type: "system", id: null, via: "upkeep" };

/**
 * The end of a statement `with changed as (…)`: an activity for every row that `changed` answers, so that what is done
 * and what is told of it are one statement. `changed` may have the columns entity_id, organization_id, project_id,
 * changes and about (jsonb, added to the metadata).
 */
export function note(
  sql: SqlOrTransaction,
  { type, id, ...metadata }: Actor,
  { entity, action }: { readonly entity: ActivityEntity; readonly action: ActivityAction },
): PendingQuery<Row[]> {
  return sql`
    insert into activities (entity_type, action, actor_type, actor_id, metadata, entity_id, organization_id,
                            project_id, changes)
    select ${entity}, ${action}, ${type}, ${id}::uuid,
           ${toJsonb(metadata)}::text::jsonb || coalesce(c.about, '{}'), c.entity_id, c.organization_id,
           c.project_id, c.changes
    from changed, jsonb_to_record(to_jsonb(changed))
      as c(entity_id uuid, organization_id uuid, project_id uuid, changes jsonb, about jsonb)`;
}

/** The column `changes` where one field was changed; null is none. */
export const change = (
  sql: SqlOrTransaction,
  field: "role" | "status",
  before: PendingQuery<Row[]>,
  after: PendingQuery<Row[]>,
): PendingQuery<Row[]> =>
  sql`jsonb_build_object(${field}::text, jsonb_build_object('old', ${before}, 'new', ${after})) as changes`;

/** The column `organization_id` of a row that has a project. */
export const organizationOf = (sql: SqlOrTransaction): PendingQuery<Row[]> =>
  sql`(select p.organization_id from projects p where p.id = project_id) as organization_id`;

/** The columns of `changed` for a row of `documents`; the title is no column of it, since activities are kept for good. */
export const documentOf = (sql: SqlOrTransaction): PendingQuery<Row[]> =>
  sql`id as entity_id, project_id, ${organizationOf(sql)}`;

/** Failed sign-ins of one kind, for one key if it exists, from one network; null: from anywhere. */
export type FailedSignIn = {
  readonly via: "key" | "jwt" | "session" | "link";
  readonly key: {
    readonly keyId: string;
    readonly organizationId: string;
    readonly projectId: string | null;
  } | null;
  readonly network: string | null;
  /** Wrong tokens, and those that nobody looked at any more. */
  readonly count: number;
  readonly turnedAway: number;
};

/** Tells of failed sign-ins, a row for each of these. */
export async function noteFailedSignIns(
  sql: SqlOrTransaction,
  failed: readonly FailedSignIn[],
): Promise<void> {
  const rows = failed.map(({ key, ...metadata }) => ({ ...key, metadata }));
  await sql`
    insert into activities (entity_type, action, actor_type, entity_id, organization_id, project_id, metadata)
    select case when f."keyId" is null then 'user' else 'key' end, 'sign_in_failed', 'system', f."keyId",
           f."organizationId", f."projectId", jsonb_strip_nulls(f.metadata)
    from jsonb_to_recordset(${toJsonb(rows)}::text::jsonb)
      as f("keyId" uuid, "organizationId" uuid, "projectId" uuid, metadata jsonb)`;
}
