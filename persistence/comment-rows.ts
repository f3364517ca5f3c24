import type { PendingQuery, Row } from "postgres";
import type { Comment, Thread } from "../schema/discussion.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";

/** A comment, the thread it stands in, and whether it is the first there. */
export type CommentInThread = { readonly thread: Thread; readonly comment: Comment };

/** Every comment of a discussion. */
export const commentsIn = (threads: readonly Thread[]): CommentInThread[] =>
  threads.flatMap((thread) => thread.comments.map((comment) => ({ thread, comment })));

/** The columns of `comments` that Yjs decides. `detached` is not one of them: that the text decides. */
const COLUMNS = [
  "project_id",
  "thread_id",
  "content",
  "anchor_data",
  "reactions",
  "is_agent",
  "agent_id",
  "created_by",
  "resolved",
  "resolved_by",
  "resolved_by_agent_id",
  "resolved_at",
  "created_at",
  "edited_at",
  "deleted_at",
] as const;

/** The row of a comment, as jsonb_to_recordset reads it. */
function rowOf({ thread, comment }: CommentInThread): object {
  const isFirst = comment.id === thread.id;
  const resolved = isFirst ? thread.resolved : null;
  return {
    id: comment.id,
    thread_id: isFirst ? null : thread.id,
    content: comment.content,
    anchor_data: isFirst ? thread.anchor : null,
    reactions: comment.reactions,
    is_agent: comment.author.agentId !== null,
    agent_id: comment.author.agentId,
    created_by: comment.author.userId,
    resolved: resolved !== null,
    resolved_by: resolved?.by.userId ?? null,
    resolved_by_agent_id: resolved?.by.agentId ?? null,
    resolved_at: resolved?.at ?? null,
    created_at: comment.createdAt,
    edited_at: comment.editedAt,
    deleted_at: comment.deletedAt,
  };
}

/** A table `wanted`: the rows that these comments must have. Who is gone from the database is null, as a foreign key makes it. */
const wanted = (
  sql: SqlOrTransaction,
  documentId: string,
  comments: readonly CommentInThread[],
): PendingQuery<Row[]> => sql`
  wanted as (
    select w.id, d.project_id, w.thread_id, w.content, nullif(w.anchor_data, 'null') as anchor_data, w.reactions,
           w.is_agent, a.id as agent_id, u.id as created_by, w.resolved, ru.id as resolved_by,
           ra.id as resolved_by_agent_id, w.resolved_at, w.created_at, w.edited_at, w.deleted_at
    from jsonb_to_recordset(${toJsonb(comments.map(rowOf))}::text::jsonb)
      as w(id uuid, thread_id uuid, content jsonb, anchor_data jsonb, reactions jsonb, is_agent boolean, agent_id uuid,
           created_by uuid, resolved boolean, resolved_by uuid, resolved_by_agent_id uuid, resolved_at timestamptz,
           created_at timestamptz, edited_at timestamptz, deleted_at timestamptz)
    join documents d on d.id = ${documentId}
    left join users u on u.id = w.created_by
    left join agents a on a.id = w.agent_id
    left join users ru on ru.id = w.resolved_by
    left join agents ra on ra.id = w.resolved_by_agent_id)`;

/** Writes the rows of comments, the first of a thread before its replies or beside them. */
export async function writeComments(
  tx: SqlOrTransaction,
  documentId: string,
  comments: readonly CommentInThread[],
): Promise<void> {
  const columns = COLUMNS.join(", ");
  const changes = COLUMNS.map((column) => `${column} = excluded.${column}`).join(", ");
  await tx`
    with ${wanted(tx, documentId, comments)}
    insert into comments (id, parent_type, parent_id, ${tx.unsafe(columns)})
    select id, 'document', ${documentId}::uuid, ${tx.unsafe(columns)} from wanted
    on conflict (id) do update set ${tx.unsafe(changes)}`;
}

/** A row of `comments` that is not what Yjs says. */
export type CommentDifference = {
  readonly id: string;
  /** `columns`: which of them differ. */
  readonly what: "missing" | "surplus" | "differs";
  readonly columns: readonly string[];
};

/** Where rows and Yjs part, in order of the ids. Reads only. */
export async function differingComments(
  sql: SqlOrTransaction,
  documentId: string,
  comments: readonly CommentInThread[],
): Promise<CommentDifference[]> {
  const differing = COLUMNS.map(
    (column) => `case when w.${column} is distinct from c.${column} then '${column}' end`,
  ).join(", ");
  return sql<CommentDifference[]>`
    with ${wanted(sql, documentId, comments)}, stored as (
      select * from comments where parent_type = 'document' and parent_id = ${documentId}
    ), compared as (
      select coalesce(w.id, c.id) as id,
             case when c.id is null then 'missing' when w.id is null then 'surplus' else 'differs' end as what,
             case when c.id is null or w.id is null then '{}'
                  else array_remove(array[${sql.unsafe(differing)}], null) end as columns
      from wanted w full join stored c on c.id = w.id)
    select id, what, columns from compared where what <> 'differs' or columns <> '{}' order by id`;
}

/** Makes the rows of a discussion what Yjs says. The discussion must be locked, or it may change meanwhile. */
export async function rewriteComments(
  tx: SqlOrTransaction,
  documentId: string,
  comments: readonly CommentInThread[],
): Promise<void> {
  const ids = comments.map(({ comment }) => comment.id);
  await tx`
    delete from comments
    where parent_type = 'document' and parent_id = ${documentId} and not (id = any(${ids}::uuid[]))`;
  await writeComments(tx, documentId, comments);
}
