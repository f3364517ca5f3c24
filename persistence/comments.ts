import type { JSONContent } from "@tiptap/core";
import type { Anchor } from "../schema/anchor.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { SqlOrTransaction } from "./database.ts";
import { readMoment, type Page, type Paged } from "./page.ts";

/** A comment as it is stored. */
export type CommentRow = {
  readonly id: string;
  /** Null: the first of its thread. */
  readonly threadId: string | null;
  readonly content: JSONContent;
  readonly reactions: Readonly<Record<string, readonly string[]>>;
  readonly userId: string | null;
  readonly agentId: string | null;
  readonly authorName: string | null;
  readonly createdAt: Date;
  readonly editedAt: Date | null;
  readonly deletedAt: Date | null;
};

/** The first comment of a thread, which says of the thread what there is to say. */
export type FirstCommentRow = CommentRow & {
  readonly anchor: Anchor | null;
  readonly detached: boolean;
  readonly resolvedAt: Date | null;
  readonly resolvedBy: string | null;
  readonly resolvedByAgentId: string | null;
};

/** A thread in a list. */
export type ThreadRow = FirstCommentRow & {
  readonly replyCount: number;
  readonly lastCommentAt: Date;
};

const columns = (sql: SqlOrTransaction) => sql`
  c.id, c.thread_id as "threadId", c.content, c.reactions, c.created_by as "userId", c.agent_id as "agentId",
  case when c.is_agent then a.name else u.name end as "authorName", c.created_at as "createdAt",
  c.edited_at as "editedAt", c.deleted_at as "deletedAt"`;

const firstColumns = (sql: SqlOrTransaction) => sql`
  ${columns(sql)}, c.anchor_data as anchor, c.detached, c.resolved_at as "resolvedAt",
  c.resolved_by as "resolvedBy", c.resolved_by_agent_id as "resolvedByAgentId"`;

const authors = (sql: SqlOrTransaction) => sql`
  left join users u on u.id = c.created_by left join agents a on a.id = c.agent_id`;

/** Which threads of a document; null: both. */
export type ThreadFilter = {
  readonly isResolved: boolean | null;
  readonly isDetached: boolean | null;
};

/**
 * A page of a document's threads, the oldest first. A thread of which nothing is left to read is not there.
 * @throws ScriptoriumError `bad_request` for a position of another list.
 */
export async function threadPage(
  sql: SqlOrTransaction,
  documentId: string,
  { isResolved, isDetached, limit, after }: ThreadFilter & Page,
): Promise<Paged<ThreadRow>[]> {
  const from = after === null ? null : { at: readMoment(after.value), id: after.id };
  // Of the comments that are not deleted, for which there is an index: the first of a thread may be.
  return sql`
    select ${firstColumns(sql)}, t."replyCount", t."lastCommentAt", to_char(c.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "sortKey"
    from (
      select coalesce(k.thread_id, k.id) as id, max(k.created_at) as "lastCommentAt",
             (count(*) filter (where k.thread_id is not null))::int as "replyCount"
      from comments k
      where k.parent_type = 'document' and k.parent_id = ${documentId} and k.deleted_at is null
      group by 1
    ) t
    join comments c on c.id = t.id
    ${authors(sql)}
    where (${isResolved}::boolean is null or c.resolved = ${isResolved})
      and (${isDetached}::boolean is null or c.detached = ${isDetached})
      and (${after === null} or (c.created_at, c.id) > (${from?.at ?? null}::text::timestamptz, ${from?.id ?? null}::uuid))
    order by c.created_at, c.id limit ${limit}`;
}

/** A thread: its first comment, then the replies as they came. */
export type WholeThread = {
  readonly first: FirstCommentRow;
  readonly comments: readonly CommentRow[];
};

/** @throws ScriptoriumError `not_found`, also where nothing of the thread is left to read. */
export async function readThreadRows(
  sql: SqlOrTransaction,
  documentId: string,
  threadId: string,
): Promise<WholeThread> {
  const comments = await sql<FirstCommentRow[]>`
    select ${firstColumns(sql)} from comments c ${authors(sql)}
    where c.parent_type = 'document' and c.parent_id = ${documentId} and (c.id = ${threadId} or c.thread_id = ${threadId})
    order by c.thread_id is not null, c.created_at, c.id`;
  const [first] = comments;
  if (first?.id === threadId && comments.some(({ deletedAt }) => deletedAt === null)) {
    return { first, comments };
  }
  throw new ScriptoriumError("not_found", "There is no such thread");
}

/** One comment. @throws ScriptoriumError `not_found`. */
export async function readComment(
  sql: SqlOrTransaction,
  documentId: string,
  commentId: string,
): Promise<CommentRow> {
  const [row] = await sql<CommentRow[]>`
    select ${columns(sql)} from comments c ${authors(sql)}
    where c.id = ${commentId} and c.parent_type = 'document' and c.parent_id = ${documentId}`;
  if (row === undefined) throw new ScriptoriumError("not_found", "There is no such comment");
  return row;
}
