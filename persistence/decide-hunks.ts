import { ScriptoriumError } from "../schema/errors.ts";
import type { HunkDecision } from "../schema/closed-sets.ts";
import type { HunkState } from "../schema/suggestion/state.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";

/** What is decided of a hunk. `state`: how it stood then; null where that does not matter. */
export type HunkVerdict = {
  readonly hunkId: string;
  readonly decision: Exclude<HunkDecision, "pending">;
  readonly state: HunkState | null;
  /** Markdown that was accepted in its place; null: none was. */
  readonly instead: string | null;
};

/** Who decides, why, and where in the log it is done; null: nothing is written there. */
export type Decision = {
  readonly suggestionId: string;
  readonly decidedBy: string | null;
  readonly reason: string | null;
  readonly seq: number | null;
  readonly verdicts: readonly HunkVerdict[];
};

/**
 * Locks a suggestion until the transaction ends: decisions of one follow each other.
 * @throws ScriptoriumError `not_found`.
 */
export async function lockSuggestion(
  tx: SqlOrTransaction,
  { documentId, suggestionId }: { documentId: string; suggestionId: string },
): Promise<void> {
  const found = await tx`
    select 1 from agent_suggestions where id = ${suggestionId} and document_id = ${documentId} for no key update`;
  if (found.length === 0) throw new ScriptoriumError("not_found", "There is no such suggestion");
}

/** Writes what was decided of hunks, and what follows from it for the suggestion and for the agent's trust. */
export async function writeDecision(
  tx: SqlOrTransaction,
  { suggestionId, decidedBy, reason, seq, verdicts }: Decision,
): Promise<void> {
  await tx`
    update suggestion_hunks h
    set decision = v.decision, decided_state = coalesce(v.state, h.decided_state), reason = ${reason},
        instead = v.instead,
        decided_by = ${decidedBy}, decided_at = now(),
        accepted_seq = case when v.decision = 'accepted' then ${seq}::bigint end
    from jsonb_to_recordset(${toJsonb(verdicts)}::text::jsonb) as v("hunkId" uuid, decision text, state text, instead text)
    where h.id = v."hunkId" and h.suggestion_id = ${suggestionId}`;
  await tx`
    with diffs as (
      select diff_id, bool_and(decision = 'accepted') as accepted,
             bool_and(decision in ('rejected', 'taken_back')) as rejected, bool_or(decision <> 'pending') as begun
      from suggestion_hunks where suggestion_id = ${suggestionId} group by diff_id
    ), whole as (
      select coalesce(array_agg(diff_id) filter (where accepted), '{}') as accepted,
             coalesce(array_agg(diff_id) filter (where rejected), '{}') as rejected,
             bool_and(accepted) as all_accepted, bool_and(rejected) as all_rejected, bool_or(begun) as begun
      from diffs
    )
    update agent_suggestions s
    set accepted_diffs = w.accepted, rejected_diffs = w.rejected,
        status = case when w.all_accepted then 'accepted' when w.all_rejected then 'rejected'
                      when w.begun then 'partially_accepted' else 'pending' end
    from whole w where s.id = ${suggestionId}`;
  await recalculateTrust(tx, suggestionId);
}

/** As many decisions as an agent begins with, half of them in its favour: one word does not make or break it. */
const PRIOR_DECISIONS = 10;

/**
 * An agent's trust: of all its decided hunks the part that is in the text, in percent, where {@link PRIOR_DECISIONS}
 * of before count as half accepted. `100 × (accepted + 5) / (decided + 10)`; what was taken back counts as rejected.
 */
async function recalculateTrust(tx: SqlOrTransaction, suggestionId: string): Promise<void> {
  await tx`
    update agents a
    set trust_score = round(100.0 * (t.accepted + ${PRIOR_DECISIONS / 2}) / (t.decided + ${PRIOR_DECISIONS}), 2)
    from (
      select s.agent_id, count(*) filter (where h.decision = 'accepted') as accepted, count(*) as decided
      from suggestion_hunks h join agent_suggestions s on s.id = h.suggestion_id
      where h.decision <> 'pending'
        and s.agent_id = (select agent_id from agent_suggestions where id = ${suggestionId})
      group by s.agent_id
    ) t
    where a.id = t.agent_id`;
}
