import type { JSONContent } from "@tiptap/core";
import { ScriptoriumError } from "../schema/errors.ts";
import type { HunkDecision, SuggestionStatus } from "../schema/closed-sets.ts";
import type { Hunk, HunkBlock, HunkPart } from "../schema/suggestion/hunk.ts";
import type { HunkState } from "../schema/suggestion/state.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";
import { momentKey, readMoment, type Page, type Paged } from "./page.ts";

/** One change that a suggestion proposes, for people to read. `sectionId`: of the section, or after which one it comes. */
export type StoredDiff = {
  readonly id: string;
  readonly op: "replace" | "delete" | "insert" | "move";
  readonly sectionId: string | null;
  /** Tiptap JSON; null: there is none. */
  readonly oldContent: JSONContent | null;
  readonly newContent: JSONContent | null;
  readonly explanation: string | null;
};

/** A suggestion as it is stored. */
export type SuggestionRow = {
  readonly id: string;
  readonly documentId: string;
  readonly projectId: string;
  readonly agentType: string;
  readonly agentId: string | null;
  readonly createdBy: string | null;
  readonly authorName: string | null;
  readonly promptedBy: string | null;
  readonly baseSeq: number;
  readonly diffs: readonly StoredDiff[];
  readonly status: SuggestionStatus;
  readonly acceptedDiffs: readonly string[];
  readonly rejectedDiffs: readonly string[];
  readonly contextSummary: string | null;
  readonly conversationId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** A hunk as it is stored, but for its bytes. */
export type HunkRow = {
  readonly id: string;
  readonly suggestionId: string;
  readonly diffId: string;
  readonly parts: readonly HunkPart[];
  readonly block: HunkBlock | null;
  readonly blockId: string | null;
  readonly decision: HunkDecision;
  readonly decidedState: HunkState | null;
  readonly reason: string | null;
  readonly instead: string | null;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly acceptedSeq: number | null;
};

/** … and with them. */
export type WholeHunkRow = HunkRow & Pick<Hunk, "update">;

export type NewHunk = Hunk & { readonly id: string; readonly diffId: string };

/** A suggestion that is to be stored. */
export type NewSuggestion = Pick<
  SuggestionRow,
  | "id"
  | "documentId"
  | "projectId"
  | "agentId"
  | "createdBy"
  | "promptedBy"
  | "baseSeq"
  | "diffs"
  | "contextSummary"
  | "conversationId"
> & { readonly hunks: readonly NewHunk[] };

const columns = (sql: SqlOrTransaction) => sql`
  s.id, s.document_id as "documentId", s.project_id as "projectId", s.agent_type as "agentType",
  s.agent_id as "agentId", s.created_by as "createdBy",
  case when s.agent_id is not null then a.name else u.name end as "authorName", s.prompted_by as "promptedBy",
  s.base_seq::float8 as "baseSeq", s.diffs, s.status, s.accepted_diffs as "acceptedDiffs",
  s.rejected_diffs as "rejectedDiffs", s.context_summary as "contextSummary",
  s.conversation_id as "conversationId", s.created_at as "createdAt", s.updated_at as "updatedAt"`;

const authors = (sql: SqlOrTransaction) => sql`
  left join users u on u.id = s.created_by left join agents a on a.id = s.agent_id`;

const hunkColumns = (sql: SqlOrTransaction) => sql`
  h.id, h.suggestion_id as "suggestionId", h.diff_id as "diffId", h.parts, h.block, h.block_id as "blockId",
  h.decision, h.decided_state as "decidedState", h.reason, h.instead, h.decided_by as "decidedBy",
  h.decided_at as "decidedAt", h.accepted_seq::float8 as "acceptedSeq"`;

/** Stores a suggestion with its hunks. */
export async function insertSuggestion(
  tx: SqlOrTransaction,
  { hunks, ...suggestion }: NewSuggestion,
): Promise<void> {
  const { id, documentId, projectId, agentId, createdBy, promptedBy, baseSeq } = suggestion;
  await tx`
    insert into agent_suggestions (id, project_id, document_id, agent_type, agent_id, created_by, prompted_by,
                                   base_seq, diffs, context_summary, conversation_id)
    values (${id}, ${projectId}, ${documentId},
            coalesce((select agent_code from agents where id = ${agentId}::uuid), 'person'), ${agentId}, ${createdBy},
            ${promptedBy}, ${baseSeq}, ${toJsonb(suggestion.diffs)}::text::jsonb, ${suggestion.contextSummary},
            ${suggestion.conversationId})`;
  const rows = hunks.map(({ update, ...hunk }, ordinal) => ({
    ...hunk,
    ordinal,
    update: Buffer.from(update).toString("base64"),
  }));
  await tx`
    insert into suggestion_hunks (id, suggestion_id, document_id, diff_id, ordinal, update_data, parts, block, block_id)
    select h.id, ${id}, ${documentId}, h."diffId", h.ordinal, decode(h.update, 'base64'), h.parts, h.block, h."blockId"
    from jsonb_to_recordset(${toJsonb(rows)}::text::jsonb)
      as h(id uuid, "diffId" uuid, ordinal int, update text, parts jsonb, block jsonb, "blockId" text)`;
}

/** How many hunks of a document wait for a decision. */
export async function countPending(sql: SqlOrTransaction, documentId: string): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from suggestion_hunks where document_id = ${documentId} and decision = 'pending'`;
  return row?.count ?? 0;
}

/** What of a document's hunks that wait is read whenever its text changes, bytes. */
export async function pendingBytes(sql: SqlOrTransaction, documentId: string): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select coalesce(sum(octet_length(parts::text)), 0)::float8 as bytes from suggestion_hunks
    where document_id = ${documentId} and decision = 'pending'`;
  return row?.bytes ?? 0;
}

type PageFilter = { readonly documentId: string; readonly status: SuggestionStatus | null };

/** How many suggestions of a page are, with their hunks, not more than this, bytes; at least one. */
export async function countFitting(
  sql: SqlOrTransaction,
  { documentId, status }: PageFilter,
  { limit, after, bytes }: Page & { readonly bytes: number },
): Promise<number> {
  const from = after === null ? null : readMoment(after.value);
  const [row] = await sql<{ count: number }[]>`
    with page as (
      select s.id, s.created_at, octet_length(s.diffs::text) as bytes from agent_suggestions s
      where s.document_id = ${documentId} and (${status}::text is null or s.status = ${status}::text)
        and (${after === null} or (s.created_at, s.id) < (${from}::text::timestamptz, ${after?.id ?? null}::uuid))
      order by s.created_at desc, s.id desc limit ${limit}
    ), sized as (
      select sum(p.bytes + h.bytes) over (order by p.created_at desc, p.id desc) as through
      from page p, lateral (
        select coalesce(sum(octet_length(parts::text)), 0) as bytes from suggestion_hunks where suggestion_id = p.id
      ) h
    )
    select count(*)::int as count from sized where through <= ${bytes}::float8`;
  return Math.max(1, row?.count ?? 0);
}

/** A page of a document's suggestions, the newest first; null: whatever the status. */
export async function suggestionPage(
  sql: SqlOrTransaction,
  { documentId, status }: PageFilter,
  { limit, after }: Page,
): Promise<Paged<SuggestionRow>[]> {
  const from = after === null ? null : readMoment(after.value);
  return sql`
    select ${columns(sql)}, ${momentKey(sql, sql`s.created_at`)} as "sortKey" from agent_suggestions s ${authors(sql)}
    where s.document_id = ${documentId} and (${status}::text is null or s.status = ${status}::text)
      and (${after === null} or (s.created_at, s.id) < (${from}::text::timestamptz, ${after?.id ?? null}::uuid))
    order by s.created_at desc, s.id desc limit ${limit}`;
}

/** @throws ScriptoriumError `not_found`. */
export async function readSuggestion(
  sql: SqlOrTransaction,
  { documentId, suggestionId }: { documentId: string; suggestionId: string },
): Promise<SuggestionRow> {
  const [row] = await sql<SuggestionRow[]>`
    select ${columns(sql)} from agent_suggestions s ${authors(sql)}
    where s.id = ${suggestionId} and s.document_id = ${documentId}`;
  if (row !== undefined) return row;
  throw new ScriptoriumError("not_found", "There is no such suggestion");
}

/** The hunks of suggestions, in the order of the document. */
export const readHunks = (
  sql: SqlOrTransaction,
  suggestionIds: readonly string[],
): Promise<HunkRow[]> =>
  sql<HunkRow[]>`
    select ${hunkColumns(sql)} from suggestion_hunks h
    where h.suggestion_id = any(${[...suggestionIds]}::uuid[]) order by h.suggestion_id, h.ordinal`;

/** The hunks of a document that wait for a decision. */
export const readPendingHunks = (sql: SqlOrTransaction, documentId: string): Promise<HunkRow[]> =>
  sql<HunkRow[]>`
    select ${hunkColumns(sql)} from suggestion_hunks h
    where h.document_id = ${documentId} and h.decision = 'pending' order by h.suggestion_id, h.ordinal`;

/** The hunks of a suggestion with their bytes. */
export const readWholeHunks = (
  sql: SqlOrTransaction,
  suggestionId: string,
): Promise<WholeHunkRow[]> =>
  sql<WholeHunkRow[]>`
    select ${hunkColumns(sql)}, h.update_data as update from suggestion_hunks h
    where h.suggestion_id = ${suggestionId} order by h.ordinal`;
