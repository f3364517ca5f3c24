import type { ActivityAction, ActivityEntity, ActorType } from "../schema/closed-sets.ts";
import type { SqlOrTransaction } from "./database.ts";

/** An activity as a feed shows it. */
export type FeedRow = {
  readonly position: number;
  readonly at: Date;
  readonly action: ActivityAction;
  readonly entityType: ActivityEntity;
  readonly entityId: string | null;
  /** Of a document that is still there, where the feed's readers may read it. */
  readonly title: string | null;
  readonly actorType: ActorType;
  readonly actorId: string | null;
  readonly actorName: string | null;
  /** The person whom an agent acted for. */
  readonly forUserId: string | null;
  readonly changes: Readonly<Record<string, { old: unknown; new: unknown }>> | null;
  readonly details: Readonly<Record<string, unknown>>;
};

/** Which activities: of a project, or of one document wherever it has been. Null: whatever it is. */
export type FeedFilter = {
  readonly projectId: string;
  readonly documentId: string | null;
  /** Keys, members and roles too, deleted documents by their titles, and how each thing was done. */
  readonly isManaged: boolean;
  readonly actorId: string | null;
  readonly action: ActivityAction | null;
};

/** From where on: backwards from before a position, null from the newest; or forwards after one. */
export type FeedRange = { readonly limit: number } & (
  | { readonly before: number | null }
  | { readonly after: number; readonly until: number }
);

/** What every reader may know of how a document changed. Networks, keys and requests are for whoever manages. */
const DETAILS = [
  "fields",
  "versionNumber",
  "kind",
  "seq",
  "threadId",
  "commentId",
  "added",
  "removed",
  "sections",
  "firstSeq",
  "lastSeq",
  "beganAt",
  "endedAt",
];

/**
 * The position up to which every activity is committed: none can appear at or below it any more, so whoever has read
 * so far has missed nothing.
 *
 * Maintained invariant: whoever draws a position holds the number that was drawn last before it, until his transaction
 * ends (the trigger `hold_positions`). The sequence is read first: who is not among the holders yet draws above it.
 * His rows are visible before his lock is gone, so the statement after this one sees them.
 */
export async function settledPosition(sql: SqlOrTransaction): Promise<number> {
  const [drawn] = await sql<{ position: number }[]>`
    select (case when is_called then last_value else 0 end)::float8 as position from activities_position_seq`;
  const [held] = await sql<{ position: number | null }[]>`
    select min(((classid::bigint & 65535) << 32) | objid::bigint)::float8 as position from pg_locks
    where locktype = 'advisory' and objsubid = 1 and classid::bigint >> 16 = 24931
      and database = (select oid from pg_database where datname = current_database())`;
  return Math.min(drawn?.position ?? 0, held?.position ?? Number.POSITIVE_INFINITY);
}

/** The activities of a range: backwards the newest first, forwards the oldest. Names and titles are those of today. */
export async function readFeed(
  sql: SqlOrTransaction,
  filter: FeedFilter,
  range: FeedRange,
): Promise<FeedRow[]> {
  const { projectId, documentId, isManaged, actorId, action } = filter;
  const isForward = "after" in range;
  return sql<FeedRow[]>`
    select v.position::float8 as position, v.created_at as at, v.action, v.entity_type as "entityType",
           v.entity_id as "entityId", d.title, v.actor_type as "actorType", v.actor_id as "actorId",
           coalesce(u.name, a.name) as "actorName", v.metadata ->> 'userId' as "forUserId", v.changes,
           case when ${isManaged} then v.metadata - 'userId' else
             coalesce((select jsonb_object_agg(key, value) from jsonb_each(v.metadata)
                       where key = any(${DETAILS}::text[])), '{}') end as details
    from activities v
    left join documents d on v.entity_type = 'document' and d.id = v.entity_id and d.project_id = ${projectId}
      and (${isManaged} or d.deleted_at is null)
    left join users u on v.actor_type = 'user' and u.id = v.actor_id
    left join agents a on v.actor_type = 'agent' and a.id = v.actor_id
    where ${
      documentId === null
        ? sql`v.project_id = ${projectId} and (${isManaged} or v.entity_type = 'document')`
        : // A move is told in both projects; here once.
          sql`v.entity_id = ${documentId} and v.entity_type = 'document'
              and v.project_id::text is distinct from v.changes -> 'projectId' ->> 'old'`
    }
      and (${actorId}::uuid is null or v.actor_id = ${actorId}::uuid)
      and (${action}::text is null or v.action = ${action}::text)
      and ${
        isForward
          ? sql`v.position > ${range.after} and v.position <= ${range.until}`
          : sql`(${range.before}::bigint is null or v.position < ${range.before}::bigint)`
      }
    order by v.position ${isForward ? sql`asc` : sql`desc`} limit ${range.limit}`;
}
