import type { NotificationKind, NotificationPriority } from "../schema/closed-sets.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Recipient } from "../schema/inbox-key.ts";
import type { SqlOrTransaction } from "./database.ts";
import type { Page, Paged } from "./page.ts";
import type { Reach } from "./reach.ts";

/** Who reads an inbox, and how far he sees: what is told of a project that he may not read any more is not shown. */
export type InboxReader = {
  readonly owner: Recipient;
  readonly reach: Reach;
  /** False: a key that may not read anything. */
  readonly mayRead: boolean;
};

/** A notification as it is shown. */
export type NotificationRow = {
  readonly id: string;
  readonly position: number;
  readonly kind: NotificationKind;
  readonly priority: NotificationPriority;
  readonly title: string;
  /** Null too where it quoted a comment that was deleted. */
  readonly body: string | null;
  /** Where its document is now. */
  readonly projectId: string;
  readonly entityType: string | null;
  readonly entityId: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** What the person or the agent who did it is called; null: nobody knows any more. */
  readonly byName: string | null;
  readonly createdAt: Date;
  readonly readAt: Date | null;
  readonly expiresAt: Date | null;
};

const ownerIds = (owner: Recipient): { userId: string | null; agentId: string | null } =>
  "userId" in owner
    ? { userId: owner.userId, agentId: null }
    : { userId: null, agentId: owner.agentId };

const owned = (sql: SqlOrTransaction, owner: Recipient) => {
  const { userId, agentId } = ownerIds(owner);
  return sql`(i.user_id = ${userId}::uuid or i.agent_id = ${agentId}::uuid)`;
};

/** The end of a statement: the notifications `n` of the inbox `i` that are shown, and the project `p` of each. */
const shown = (sql: SqlOrTransaction, { owner, reach, mayRead }: InboxReader) => {
  const { userId, onlyOrganizationId, onlyProjectId, isGranted } = reach;
  return sql`
    from inboxes i
    join notifications n on n.inbox_id = i.id
    left join agents a on a.id = i.agent_id
    left join documents d on d.id = (n.metadata ->> 'documentId')::uuid
    join projects p on p.id = coalesce(d.project_id, n.project_id)
    join organizations o on o.id = p.organization_id and o.deleted_at is null
    left join organization_members m on m.organization_id = o.id and m.user_id = ${userId}
    left join collaborators c on c.project_id = p.id and c.user_id = ${userId} and c.removed_at is null
    where ${mayRead} and ${owned(sql, owner)}
      and (n.expires_at is null or n.expires_at > now())
      and (n.metadata ->> 'documentId' is null or (d.id is not null and d.deleted_at is null))
      and (m.id is not null or c.id is not null or (${isGranted} and o.id = ${onlyOrganizationId}::uuid))
      and (${onlyOrganizationId}::uuid is null or o.id = ${onlyOrganizationId}::uuid)
      and (${onlyProjectId}::uuid is null or p.id = ${onlyProjectId}::uuid)
      and (a.project_id is null or a.project_id = p.id)`;
};

const columns = (sql: SqlOrTransaction) => sql`
  n.id, n.position::float8 as position, n.type as kind, n.priority, n.title, p.id as "projectId",
  case when n.entity_type = 'comment' and exists (
    select 1 from comments k where k.id = n.entity_id and k.deleted_at is not null) then null else n.body end as body,
  n.entity_type as "entityType", n.entity_id as "entityId", n.metadata,
  coalesce((select by.name from agents by where by.id = (n.metadata ->> 'byAgentId')::uuid),
           (select by.name from users by where by.id = (n.metadata ->> 'byUserId')::uuid)) as "byName",
  n.created_at as "createdAt", n.read_at as "readAt", n.expires_at as "expiresAt"`;

/** Which notifications; null: of every kind. */
export type InboxFilter = {
  readonly onlyUnread: boolean;
  readonly kind: NotificationKind | null;
};

/**
 * A page of an inbox, the newest first.
 * @throws ScriptoriumError `bad_request` for a position of another list.
 */
export async function inboxPage(
  sql: SqlOrTransaction,
  reader: InboxReader,
  { onlyUnread, kind, limit, after }: InboxFilter & Page,
): Promise<Paged<NotificationRow>[]> {
  const before = after === null ? null : readPosition(after.value);
  return sql`
    select ${columns(sql)}, n.position::text as "sortKey" ${shown(sql, reader)}
      and (not ${onlyUnread} or n.read_at is null)
      and (${kind}::text is null or n.type = ${kind})
      and (${before}::bigint is null or n.position < ${before}::bigint)
    order by n.position desc limit ${limit}`;
}

function readPosition(value: string): number {
  if (/^\d{1,15}$/u.test(value)) return Number(value);
  throw new ScriptoriumError("bad_request", "The cursor is not one of this list in this order");
}

/** How many notifications are shown and not read, and the position of the newest of all: 0 is none. */
export async function unreadIn(
  sql: SqlOrTransaction,
  reader: InboxReader,
): Promise<{ unread: number; position: number }> {
  const [row] = await sql<{ unread: number; position: number }[]>`
    select (select count(*) ${shown(sql, reader)} and n.read_at is null)::int as unread,
           coalesce((select i.head_position from inboxes i where ${owned(sql, reader.owner)}), 0)::float8 as position`;
  return row ?? { unread: 0, position: 0 };
}

/** What came after a position, in order, and how the inbox stands; all of one moment. */
export type InboxNews = {
  readonly rows: readonly NotificationRow[];
  /** The newest position of all, also of what is not shown. */
  readonly position: number;
  readonly unread: number;
};

/** Reads on from a position. Positions are in commit order: what is not there yet comes after all that is. */
export async function inboxSince(
  sql: SqlOrTransaction,
  reader: InboxReader,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<InboxNews> {
  const found = await sql<(InboxNews & { row: NotificationRow | null })[]>`
    select h.position, h.unread, r.* from (
      select coalesce((select i.head_position from inboxes i where ${owned(sql, reader.owner)}), 0)::float8 as position,
             (select count(*) ${shown(sql, reader)} and n.read_at is null)::int as unread) as h
    left join lateral (
      select to_jsonb(v) as row from (
        select ${columns(sql)} ${shown(sql, reader)} and n.position > ${after} order by n.position limit ${limit}) as v
    ) as r on true`;
  const [{ position, unread } = { position: 0, unread: 0 }] = found;
  const rows = found.flatMap(({ row }) => (row === null ? [] : [withDates(row)]));
  return { position, unread, rows: rows.toSorted((one, other) => one.position - other.position) };
}

/** A whole row comes as JSON. */
const withDates = (row: NotificationRow): NotificationRow => ({
  ...row,
  createdAt: new Date(row.createdAt),
  readAt: row.readAt === null ? null : new Date(row.readAt),
  expiresAt: row.expiresAt === null ? null : new Date(row.expiresAt),
});

/** Marks one as read. @throws ScriptoriumError `not_found` for what is not shown to him, another's included [A1]. */
export async function markRead(
  tx: SqlOrTransaction,
  reader: InboxReader,
  notificationId: string,
): Promise<NotificationRow> {
  await touch(tx, reader.owner);
  const marked = await tx`
    update notifications set read_at = coalesce(read_at, now())
    where id in (select n.id ${shown(tx, reader)} and n.id = ${notificationId})`;
  const [row] = await tx<NotificationRow[]>`
    select ${columns(tx)} ${shown(tx, reader)} and n.id = ${notificationId}`;
  if (marked.count === 1 && row !== undefined) return row;
  throw new ScriptoriumError("not_found", "There is no such notification");
}

/** Marks as read what is shown up to a position; what came later stays as it is. Answers how many were not read yet. */
export async function markAllRead(
  tx: SqlOrTransaction,
  reader: InboxReader,
  upTo: number,
): Promise<number> {
  await touch(tx, reader.owner);
  const marked = await tx`
    update notifications set read_at = now()
    where id in (select n.id ${shown(tx, reader)} and n.read_at is null and n.position <= ${upTo})`;
  return marked.count;
}

/** Changes the version of an inbox: whoever watches it counts again. */
const touch = (tx: SqlOrTransaction, owner: Recipient) =>
  tx`update inboxes i set updated_at = now() where ${owned(tx, owner)}`;

/** What somebody does not want to hear of is false; a kind that is absent is wanted. */
export type InboxSettings = Readonly<Partial<Record<NotificationKind, boolean>>>;

/** What somebody chose. */
export async function readSettings(
  sql: SqlOrTransaction,
  owner: Recipient,
): Promise<InboxSettings> {
  const [row] = await sql<{ settings: InboxSettings }[]>`
    select i.settings from inboxes i where ${owned(sql, owner)}`;
  return row?.settings ?? {};
}

/** Keeps what somebody chose, for what is put in from now on. */
export async function writeSettings(
  tx: SqlOrTransaction,
  owner: Recipient,
  settings: InboxSettings,
): Promise<void> {
  const json = JSON.stringify(settings);
  const { userId, agentId } = ownerIds(owner);
  const column = userId === null ? tx`agent_id` : tx`user_id`;
  await tx`
    insert into inboxes (user_id, agent_id, settings) values (${userId}, ${agentId}, ${json}::text::jsonb)
    on conflict (${column}) do update set settings = excluded.settings`;
}

/** A text for each inbox that is another whenever anything was put in or marked; null: nobody was ever notified. */
export async function inboxVersions(
  sql: SqlOrTransaction,
  owners: readonly Recipient[],
): Promise<(string | null)[]> {
  const ids = owners.map(ownerIds);
  const array = (each: readonly (string | null)[]): string =>
    `{${each.map((id) => id ?? "NULL").join(",")}}`;
  const rows = await sql<{ version: string | null }[]>`
    select coalesce(u.xmin, a.xmin)::text as version
    from unnest(${array(ids.map(({ userId }) => userId))}::text::uuid[],
                ${array(ids.map(({ agentId }) => agentId))}::text::uuid[])
         with ordinality as q(user_id, agent_id, place)
    left join inboxes u on u.user_id = q.user_id
    left join inboxes a on a.agent_id = q.agent_id
    order by q.place`;
  return rows.map(({ version }) => version);
}
