import type { ActivityAction, ActivityEntity, ActorType } from "../schema/closed-sets.ts";
import type { SqlOrTransaction } from "./database.ts";

/** An activity as an administrator reads it: ids, and what they are called where they still are something. */
export type ListedActivity = {
  readonly position: number;
  readonly createdAt: Date;
  readonly action: ActivityAction;
  readonly entityType: ActivityEntity;
  readonly entityId: string | null;
  /** An e-mail address, a key's prefix, an agent's code. */
  readonly entityName: string | null;
  readonly actorType: ActorType;
  readonly actorId: string | null;
  readonly actorName: string | null;
  /** The slug of an organization, or `organization/project`. */
  readonly place: string | null;
  readonly changes: Readonly<Record<string, { old: unknown; new: unknown }>> | null;
  readonly metadata: Readonly<Record<string, unknown>>;
};

/** The newest activities first; with a user only what he did and what was done to him. */
export async function listActivities(
  sql: SqlOrTransaction,
  { userId, limit }: { userId: string | null; limit: number },
): Promise<ListedActivity[]> {
  return sql<ListedActivity[]>`
    select v.position::float8 as position, v.created_at as "createdAt", v.action, v.entity_type as "entityType",
           v.entity_id as "entityId", coalesce(about.email, k.key_prefix, a.agent_code) as "entityName",
           v.actor_type as "actorType", v.actor_id as "actorId", coalesce(by_user.email, by_agent.agent_code) as "actorName",
           concat_ws('/', o.slug, p.slug) as place, v.changes, v.metadata
    from activities v
    left join users about on about.id = v.entity_id and v.entity_type in ('user', 'member', 'collaborator')
    left join api_keys k on k.id = v.entity_id and v.entity_type = 'key'
    left join agents a on a.id = v.entity_id and v.entity_type = 'agent'
    left join users by_user on by_user.id = v.actor_id and v.actor_type = 'user'
    left join agents by_agent on by_agent.id = v.actor_id and v.actor_type = 'agent'
    left join organizations o on o.id = v.organization_id
    left join projects p on p.id = v.project_id
    where ${userId}::uuid is null or ${userId}::uuid in (v.actor_id, v.entity_id)
       or v.metadata ->> 'userId' = ${userId}
    order by v.position desc limit ${limit}`;
}
