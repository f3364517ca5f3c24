import type * as Y from "yjs";
import { createEditMeter, type EditSize } from "../schema/edited-blocks.ts";
import type { Sql, SqlOrTransaction } from "./database.ts";
import type { LoggedUpdate } from "./history.ts";
import { toJsonb } from "./jsonb.ts";

/** What one author did in consecutive rows of a document's log. Positions are log positions, sizes UTF-16 units. */
export type EditBurst = {
  userId: string | null;
  agentId: string | null;
  firstSeq: number;
  lastSeq: number;
  beganAt: Date;
  endedAt: Date;
  added: number;
  removed: number;
  sections: string[];
};

/** An activity is kept for good: it names at most so many blocks. */
const MAX_SECTIONS = 200;

/** What a column of type integer holds. */
const MAX_INTEGER = 2_147_483_647;

/** Bursts that become activities in one statement. */
const BURSTS_AT_ONCE = 1000;

/** What rows of the log brought. */
export type MeasuredEdits = {
  /** One for each author. */
  readonly bursts: readonly EditBurst[];
  /** By Yjs client, the clock from which on its structs came with them. */
  readonly newFrom: ReadonlyMap<number, number>;
};

/** Measures rows of the log. `doc` holds them. */
export async function measureEdits(
  rows: AsyncIterable<LoggedUpdate>,
  doc: Y.Doc,
): Promise<MeasuredEdits> {
  const measure = createEditMeter(doc);
  const bursts = new Map<string, EditBurst>();
  const newFrom = new Map<number, number>();
  for await (const row of rows) {
    const size = measure(row.update);
    for (const [client, clock] of size?.clocks ?? []) {
      newFrom.set(client, Math.min(newFrom.get(client) ?? clock, clock));
    }
    // The empty update that a repair leaves, or one that nothing can be said of.
    if (size === null || size.added + size.removed + size.sections.length === 0) continue;
    const key = `${row.author.userId ?? ""} ${row.author.agentId ?? ""}`;
    bursts.set(key, grown(bursts.get(key), row, size));
  }
  return { bursts: [...bursts.values()], newFrom };
}

function grown(burst: EditBurst | undefined, row: LoggedUpdate, size: EditSize): EditBurst {
  const at = new Date(row.createdAtMs);
  if (burst === undefined) {
    const { userId, agentId } = row.author;
    const when = { firstSeq: row.seq, lastSeq: row.seq, beganAt: at, endedAt: at };
    const { added, removed } = size;
    return {
      userId,
      agentId,
      ...when,
      added,
      removed,
      sections: size.sections.slice(0, MAX_SECTIONS),
    };
  }
  burst.lastSeq = row.seq;
  // A later row may have been begun, and dated, earlier.
  if (at > burst.endedAt) burst.endedAt = at;
  if (at < burst.beganAt) burst.beganAt = at;
  burst.added = Math.min(MAX_INTEGER, burst.added + size.added);
  burst.removed = Math.min(MAX_INTEGER, burst.removed + size.removed);
  for (const section of size.sections) {
    if (burst.sections.length >= MAX_SECTIONS) break;
    if (!burst.sections.includes(section)) burst.sections.push(section);
  }
  return burst;
}

/** Adds to the bursts that are open, in the order of their authors: two projections cannot wait for each other. */
export async function addBursts(
  tx: SqlOrTransaction,
  documentId: string,
  bursts: readonly EditBurst[],
): Promise<void> {
  if (bursts.length === 0) return;
  await tx`
    insert into edit_bursts as b (document_id, user_id, agent_id, first_seq, last_seq, began_at, ended_at, added,
                                  removed, sections)
    select ${documentId}, n."userId", n."agentId", n."firstSeq", n."lastSeq", n."beganAt", n."endedAt", n.added,
           n.removed, n.sections
    from jsonb_to_recordset(${toJsonb(bursts)}::text::jsonb)
      as n("userId" uuid, "agentId" uuid, "firstSeq" bigint, "lastSeq" bigint, "beganAt" timestamptz,
           "endedAt" timestamptz, added int, removed int, sections text[])
    order by n."userId", n."agentId"
    on conflict (document_id, user_id, agent_id) do update
    set last_seq = excluded.last_seq, ended_at = greatest(b.ended_at, excluded.ended_at),
        began_at = least(b.began_at, excluded.began_at),
        added = least(b.added::bigint + excluded.added, ${MAX_INTEGER})::int,
        removed = least(b.removed::bigint + excluded.removed, ${MAX_INTEGER})::int,
        sections = (b.sections || array(select s from unnest(excluded.sections) s where s <> all (b.sections)))
                   [:${MAX_SECTIONS}]`;
}

/** What became of the bursts: how many are activities now, and in how long the next may be one, ms; null: there is none. */
export type ClosedBursts = { readonly closed: number; readonly nextInMs: number | null };

/**
 * Makes an activity `edited` of every burst that has been quiet for so long.
 *
 * Maintained invariant [P1]: one statement deletes the burst and inserts the activity, so a kill leaves one or the
 * other, and of two processes that do it at once one finds the row gone. A burst that just goes on is left: the
 * DELETE looks at its condition again when it has waited for the row.
 */
export async function closeQuietBursts(sql: Sql, quietMs: number): Promise<ClosedBursts> {
  const closed = await sql`
    with quiet as (
      select id from edit_bursts where ended_at <= now() - ${quietMs} * interval '1 ms'
      order by ended_at limit ${BURSTS_AT_ONCE} for update skip locked
    ), gone as (
      delete from edit_bursts b using quiet q where b.id = q.id returning b.*
    )
    insert into activities (entity_type, entity_id, action, organization_id, project_id, actor_type, actor_id, metadata)
    select 'document', g.document_id, 'edited', p.organization_id, d.project_id,
           case when g.agent_id is not null then 'agent' when g.user_id is not null then 'user' else 'system' end,
           coalesce(g.agent_id, g.user_id),
           jsonb_build_object('added', g.added, 'removed', g.removed, 'sections', g.sections,
                              'firstSeq', g.first_seq, 'lastSeq', g.last_seq,
                              'beganAt', g.began_at, 'endedAt', g.ended_at)
             || case when g.agent_id is null or g.user_id is null then '{}'
                     else jsonb_build_object('userId', g.user_id) end
    from gone g join documents d on d.id = g.document_id join projects p on p.id = d.project_id
    order by g.ended_at, g.last_seq`;
  const [next] = await sql<{ nextInMs: number | null }[]>`
    select (extract(epoch from min(ended_at) - now()) * 1000 + ${quietMs})::float8 as "nextInMs" from edit_bursts`;
  return { closed: closed.count, nextInMs: next?.nextInMs ?? null };
}
