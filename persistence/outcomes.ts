import { ScriptoriumError } from "../schema/errors.ts";
import type { SqlOrTransaction } from "./database.ts";
import { momentKey, readMoment, type Page, type Paged } from "./page.ts";
import type { Reach } from "./reach.ts";
import type { HunkRow } from "./suggestions.ts";

/** What became of a hunk. */
export type OutcomeRow = Pick<
  HunkRow,
  "id" | "suggestionId" | "parts" | "decision" | "decidedState" | "reason" | "instead" | "decidedAt"
> & { readonly documentId: string };

/** How many hunks of an agent were decided how, and what its trust is. */
export type OutcomeFigures = {
  readonly trustScore: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly takenBack: number;
  readonly pending: number;
};

/** Of all its hunks, wherever they are. */
export async function outcomeFigures(
  sql: SqlOrTransaction,
  agentId: string,
): Promise<OutcomeFigures> {
  const [row] = await sql<OutcomeFigures[]>`
    select a.trust_score::float8 as "trustScore",
           (count(*) filter (where h.decision = 'accepted'))::int as accepted,
           (count(*) filter (where h.decision = 'rejected'))::int as rejected,
           (count(*) filter (where h.decision = 'taken_back'))::int as "takenBack",
           (count(*) filter (where h.decision = 'pending'))::int as pending
    from agents a
    left join agent_suggestions s on s.agent_id = a.id
    left join suggestion_hunks h on h.suggestion_id = s.id
    where a.id = ${agentId} and a.deleted_at is null group by a.id`;
  if (row !== undefined) return row;
  throw new ScriptoriumError("not_found", "There is no such agent");
}

type OutcomeFilter = {
  readonly agentId: string;
  readonly reach: Reach;
  /** No more rows than these bytes hold, and one that tells of the rest; two at least. */
  readonly bytes: number;
};

/** A row, and how many bytes those of the page have up to and with it. */
type SizedOutcome = Paged<OutcomeRow> & { readonly through: number };

/** A page of an agent's hunks in documents that somebody may read, the newest first. */
export const outcomePage = (
  sql: SqlOrTransaction,
  filter: OutcomeFilter,
  page: Page,
): Promise<SizedOutcome[]> =>
  sql<SizedOutcome[]>`
    with page as (${hunksOf(sql, filter, page)}
    ), weighed as (
      select *, octet_length(parts::text) + coalesce(octet_length(instead), 0) as bytes from page
    ), sized as (
      select *, (sum(bytes) over newest)::float8 as through, row_number() over newest as place
      from weighed window newest as (order by "sortKey" desc, id desc)
    )
    select id, "suggestionId", "documentId", parts, decision, "decidedState", reason, instead, "decidedAt",
           "sortKey", through
    from sized where place <= 2 or through - bytes <= ${filter.bytes}::float8 order by place`;

function hunksOf(sql: SqlOrTransaction, { agentId, reach }: OutcomeFilter, { limit, after }: Page) {
  const from = after === null ? null : readMoment(after.value);
  return sql`
    select h.id, h.suggestion_id as "suggestionId", h.document_id as "documentId", h.parts, h.decision,
           h.decided_state as "decidedState", h.reason, h.instead, h.decided_at as "decidedAt",
           ${momentKey(sql, sql`coalesce(h.decided_at, h.created_at)`)} as "sortKey"
    from suggestion_hunks h
    join agent_suggestions s on s.id = h.suggestion_id
    join documents d on d.id = h.document_id and d.deleted_at is null
    join projects p on p.id = d.project_id
    join organizations o on o.id = p.organization_id and o.deleted_at is null
    left join organization_members m on m.organization_id = o.id and m.user_id = ${reach.userId}
    left join collaborators c on c.project_id = p.id and c.user_id = ${reach.userId} and c.removed_at is null
    where s.agent_id = ${agentId}
      and (m.id is not null or c.id is not null
           or (${reach.isGranted} and o.id = ${reach.onlyOrganizationId}::uuid))
      and (${reach.onlyOrganizationId}::uuid is null or o.id = ${reach.onlyOrganizationId}::uuid)
      and (${reach.onlyProjectId}::uuid is null or p.id = ${reach.onlyProjectId}::uuid)
      and (${after === null} or (coalesce(h.decided_at, h.created_at), h.id)
             < (${from}::text::timestamptz, ${after?.id ?? null}::uuid))
    order by coalesce(h.decided_at, h.created_at) desc, h.id desc limit ${limit}`;
}
