import type { NotificationKind, NotificationPriority } from "../schema/closed-sets.ts";
import { inboxKey, type InboxKey, type Recipient } from "../schema/inbox-key.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";

/** An inbox that something was put into. */
export type RungInbox = InboxKey;

/** Ids that lead to what a notification is about, and who did it. */
export type NoticeMetadata = {
  readonly documentId: string;
  readonly threadId?: string;
  readonly commentId?: string;
  readonly byUserId?: string;
  readonly byAgentId?: string;
};

/** What somebody should know of. */
export type Notice = {
  readonly recipient: Recipient;
  readonly projectId: string;
  readonly type: NotificationKind;
  /** Where it is not given: as the kind has it. */
  readonly priority?: NotificationPriority;
  /** A sentence that an inbox shows; may hold words of people. */
  readonly title: string;
  readonly body: string | null;
  readonly entityType: string;
  readonly entityId: string;
  readonly metadata: NoticeMetadata;
  /** What is told with these words was told: it is not told again, ever. */
  readonly onceKey: string;
  /** Not shown from then on; null: for good. Where it is not given: as the priority has it. */
  readonly expiresAt?: Date | null;
};

/** How much each kind matters unless its notice says something else. */
const PRIORITY: Readonly<Record<NotificationKind, NotificationPriority>> = {
  mention: "high",
  suggestion: "normal",
  comment_reply: "normal",
  thread_resolved: "low",
};

/** For how long it is shown, days; null: for good. */
const LIFETIME_DAYS: Readonly<Record<NotificationPriority, number | null>> = {
  low: 90,
  normal: null,
  high: null,
};

/**
 * Puts notices into the inboxes of those who want them and may read the project now, and answers whose inboxes have
 * something new: ring for them after COMMIT. Give everything that a transaction tells in one call.
 *
 * Maintained invariant: who puts something into an inbox holds the lock of its row until COMMIT. So positions are
 * without gaps and in commit order, and nobody who reads on from one misses another; a key that was told is seen. All
 * take the locks in one order, people before agents and each by id, so they never wait for each other in a circle.
 */
export async function notify(
  tx: SqlOrTransaction,
  notices: readonly Notice[],
): Promise<RungInbox[]> {
  if (notices.length === 0) return [];
  const wanted = await wantedNotices(tx, notices);
  if (wanted.length === 0) return [];
  await lockInboxes(tx, wanted);
  return insert(tx, wanted);
}

/** Leaves out who may not read, who does not want it, and what he was told already. */
async function wantedNotices(sql: SqlOrTransaction, notices: readonly Notice[]): Promise<Notice[]> {
  const questions = notices.map(({ recipient, projectId, type, onceKey }, place) => ({
    ...recipient,
    projectId,
    type,
    onceKey,
    place,
  }));
  const rows = await sql<{ place: number }[]>`
    select n.place
    from jsonb_to_recordset(${toJsonb(questions)}::text::jsonb)
      as n(place int, "userId" uuid, "agentId" uuid, "projectId" uuid, type text, "onceKey" text)
    join projects p on p.id = n."projectId"
    join organizations o on o.id = p.organization_id and o.deleted_at is null
    left join organization_members m on m.organization_id = o.id and m.user_id = n."userId"
    left join collaborators c on c.project_id = p.id and c.user_id = n."userId" and c.removed_at is null
    left join agents a on a.id = n."agentId" and a.organization_id = o.id and a.deleted_at is null
      and (a.project_id is null or a.project_id = p.id) and a.status in ('active', 'probation')
    left join lateral (
      select i.id, i.settings from inboxes i where i.user_id = n."userId"
      union all select i.id, i.settings from inboxes i where i.agent_id = n."agentId") as i on true
    where (m.id is not null or c.id is not null or a.id is not null)
      and i.settings -> n.type is distinct from 'false'
      and not exists (select 1 from notifications x where x.inbox_id = i.id and x.once_key = n."onceKey")
    order by n.place`;
  return withoutRepliesToMentioned(rows.flatMap(({ place }) => notices[place] ?? []));
}

/** Whoever hears that a reply mentions him does not also hear that there is one. */
function withoutRepliesToMentioned(notices: readonly Notice[]): Notice[] {
  const about = ({ recipient, entityId }: Notice): string => `${inboxKey(recipient)} ${entityId}`;
  const mentioned = new Set(notices.filter(({ type }) => type === "mention").map(about));
  return notices.filter(
    (notice) => notice.type !== "comment_reply" || !mentioned.has(about(notice)),
  );
}

/** Locks the inboxes until the transaction ends; who has none yet gets one. */
async function lockInboxes(tx: SqlOrTransaction, notices: readonly Notice[]): Promise<void> {
  const users = notices.flatMap(({ recipient }) =>
    "userId" in recipient ? [recipient.userId] : [],
  );
  const agents = notices.flatMap(({ recipient }) =>
    "agentId" in recipient ? [recipient.agentId] : [],
  );
  // The owner is locked first, so that one who is just being deleted is left out and does not fail the rest.
  if (users.length > 0) {
    await tx`
      insert into inboxes (user_id)
      select id from users where id = any(${users}::uuid[]) order by id for key share
      on conflict (user_id) do update set head_position = inboxes.head_position`;
  }
  if (agents.length > 0) {
    await tx`
      insert into inboxes (agent_id)
      select id from agents where id = any(${agents}::uuid[]) order by id for key share
      on conflict (agent_id) do update set head_position = inboxes.head_position`;
  }
}

/** A statement of its own, begun under the locks: it sees everything that was put in before. */
async function insert(tx: SqlOrTransaction, notices: readonly Notice[]): Promise<RungInbox[]> {
  const rows = notices.map(({ recipient, ...notice }, place) => {
    const priority = notice.priority ?? PRIORITY[notice.type];
    const lifetimeDays = notice.expiresAt === undefined ? LIFETIME_DAYS[priority] : null;
    return { ...notice, ...recipient, priority, lifetimeDays, place };
  });
  const owners = await tx<{ userId: string | null; agentId: string | null }[]>`
    with given as (
      select i.id as inbox_id, i.head_position, n.*
      from jsonb_to_recordset(${toJsonb(rows)}::text::jsonb)
        as n(place int, "userId" uuid, "agentId" uuid, "projectId" uuid, type text, priority text, title text,
             body text, "entityType" text, "entityId" uuid, metadata jsonb, "onceKey" text, "expiresAt" timestamptz,
             "lifetimeDays" int)
      join inboxes i on i.user_id = n."userId" or i.agent_id = n."agentId"
    ), fresh as (
      select distinct on (inbox_id, "onceKey") * from given g
      where not exists (
        select 1 from notifications x where x.inbox_id = g.inbox_id and x.once_key = g."onceKey")
      order by inbox_id, "onceKey", place
    ), inserted as (
      insert into notifications (inbox_id, position, user_id, project_id, type, priority, title, body, entity_type,
                                 entity_id, metadata, once_key, expires_at)
      select inbox_id, head_position + row_number() over (partition by inbox_id order by place), "userId",
             "projectId", type, priority, title, body, "entityType", "entityId", metadata, "onceKey",
             coalesce("expiresAt", now() + "lifetimeDays" * interval '1 day')
      from fresh
      on conflict (inbox_id, once_key) do nothing
      returning inbox_id, position
    )
    update inboxes i set head_position = h.position
    from (select inbox_id, max(position) as position from inserted group by inbox_id) h
    where i.id = h.inbox_id
    returning i.user_id as "userId", i.agent_id as "agentId"`;
  return owners.map(({ userId, agentId }) =>
    inboxKey(userId === null ? { agentId: agentId ?? "" } : { userId }),
  );
}
