import { randomUUID } from "node:crypto";
import * as Y from "yjs";
import { ScriptoriumError } from "../schema/errors.ts";
import type { DocumentAddress } from "../schema/ids.ts";
import { appendUpdates } from "./append-updates.ts";
import type { Sql, SqlOrTransaction } from "./database.ts";
import { loadDocument } from "./load-document.ts";
import { isSound, planRepair, type RepairHead, type RepairPlan } from "./plan-repair.ts";
import { difference } from "./proof.ts";
import { encodeSnapshot } from "./snapshot-encoding.ts";

type Address = Pick<DocumentAddress, "documentId" | "part">;

/** How a repair is done; a dry run only plans. */
export type RepairOptions = {
  readonly dryRun: boolean;
  /** Called before each statement of the transaction; a test kills the connection there. */
  readonly atStatement?: (name: string) => Promise<void> | void;
};

/** What was planned and, unless it was a dry run or nothing had to be done, done. */
export type RepairResult = Omit<RepairPlan, "doc" | "rebuilt"> & {
  readonly outcome: "sound" | "dry_run" | "repaired";
};

/** The empty update, v1: it takes the place of what is set aside, so that `seq` keeps having no gaps [L4]. */
const EMPTY_UPDATE = Uint8Array.of(0, 0);

/** People may be typing in a copy that a server loaded while all was well: then the plan is made again. */
const MAX_ATTEMPTS = 5;

/**
 * Puts a part of a document right that cannot be loaded whole. What stands in the way goes to `yjs_set_aside`, and the
 * empty update takes its place; a snapshot that cannot be read is made anew. Nothing is deleted.
 *
 * Planned in one database snapshot and outside any lock, then done in one transaction, which proves its result by
 * loading the document: a kill anywhere leaves the old state or the new one. A second repair finds nothing to do.
 * Copies that a server loaded before cannot append any more (`repairs`); an update at the end of the log, which is
 * empty, has columns and caches follow.
 *
 * @throws ScriptoriumError `document_not_found`; `conflict` when the log does not hold still, or too much is missing.
 */
export async function repairDocument(
  sql: Sql,
  address: Address,
  options: RepairOptions,
): Promise<RepairResult> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const plan = await sql.begin("isolation level repeatable read read only", async (tx) =>
      planRepair(tx, await readHead(tx, address)),
    );
    const { doc, rebuilt, ...planned } = plan;
    try {
      if (isSound(plan)) return { ...planned, outcome: "sound" };
      if (options.dryRun) return { ...planned, outcome: "dry_run" };
      if (await perform(sql, plan, options)) return { ...planned, outcome: "repaired" };
    } finally {
      doc.destroy();
      rebuilt?.destroy();
    }
  }
  throw new ScriptoriumError(
    "conflict",
    "The document changes all the time; stop the server first",
  );
}

async function readHead(tx: SqlOrTransaction, { documentId, part }: Address): Promise<RepairHead> {
  const [head] = await tx<RepairHead[]>`
    select document_id as "documentId", part, head_seq::float8 as "headSeq", state_seq::float8 as "stateSeq",
           projected_seq::float8 as "projectedSeq", state_vector as "stateVector",
           quarantined_seq::float8 as "quarantinedSeq", repairs, state, encoding
    from yjs_documents where document_id = ${documentId} and part = ${part}`;
  if (head !== undefined) return head;
  throw new ScriptoriumError("document_not_found", `No document ${documentId}`);
}

/** Answers false when the log has changed since it was read: nothing is done. */
async function perform(
  sql: Sql,
  plan: RepairPlan,
  { atStatement = () => {} }: RepairOptions,
): Promise<boolean> {
  const { head, setAside, snapshot } = plan;
  return sql.begin(async (tx) => {
    await atStatement("lock");
    const locked = await tx`
      update yjs_documents
      set quarantined_seq = null, quarantine_reason = null, repairs = repairs + 1, updated_at = now()
      where document_id = ${head.documentId} and part = ${head.part} and head_seq = ${head.headSeq}
        and state_seq = ${head.stateSeq} and repairs = ${head.repairs}`;
    if (locked.count !== 1) return false;
    // A mark that outlived its reason: there is nothing else to do.
    if (snapshot === null && setAside.length === 0) return true;
    await atStatement("rows");
    await setRowsAside(tx, plan);
    await atStatement("snapshot");
    if (plan.rebuilt !== null) await replaceSnapshot(tx, plan, plan.rebuilt);
    await atStatement("append");
    const rows = [{ update: EMPTY_UPDATE, author: NOBODY, newClients: [] }];
    const { documentId, part, headSeq } = head;
    const batch = { documentId, part, batchId: randomUUID(), knownHeadSeq: headSeq, rows };
    await appendUpdates(tx, [batch]);
    await atStatement("proof");
    await prove(tx, plan);
    await atStatement("commit");
    return true;
  });
}

const NOBODY = { userId: null, agentId: null };

async function setRowsAside(tx: SqlOrTransaction, { head, setAside }: RepairPlan): Promise<void> {
  const { documentId, part } = head;
  for (const { kind, seq, reason } of setAside) {
    await tx`
      insert into yjs_set_aside (document_id, part, seq, kind, original, user_id, agent_id, created_at, reason)
      select ${documentId}::uuid, ${part}, ${seq}, ${kind}, u.update_data, u.user_id, u.agent_id, u.created_at,
             ${reason}
      from (select 1) as once
      left join yjs_updates u on u.document_id = ${documentId} and u.part = ${part} and u.seq = ${seq}`;
    if (kind === "stray") {
      await tx`
        delete from yjs_updates where document_id = ${documentId} and part = ${part} and seq = ${seq}`;
    } else {
      await tx`
        insert into yjs_updates (document_id, part, seq, update_data, batch_id)
        values (${documentId}, ${part}, ${seq}, ${EMPTY_UPDATE}, ${randomUUID()})
        on conflict (document_id, part, seq) do update set update_data = excluded.update_data`;
    }
  }
}

async function replaceSnapshot(
  tx: SqlOrTransaction,
  { head, snapshot }: RepairPlan,
  rebuilt: Y.Doc,
): Promise<void> {
  const { documentId, part } = head;
  await tx`
    insert into yjs_set_aside (document_id, part, seq, kind, original, encoding, reason)
    select document_id, part, state_seq, 'snapshot', state, encoding, ${snapshot?.reason ?? ""}
    from yjs_documents where document_id = ${documentId} and part = ${part}`;
  await tx`
    update yjs_documents
    set state = ${encodeSnapshot(rebuilt)}, state_vector = ${Y.encodeStateVector(rebuilt)}, encoding = 'v2+zstd'
    where document_id = ${documentId} and part = ${part}`;
}

/** As after a compaction [C2]: the document is loaded as everybody will load it, and compared with what was planned. */
async function prove(tx: SqlOrTransaction, { head, doc }: RepairPlan): Promise<void> {
  const again = new Y.Doc({ gc: true });
  const { quarantine } = await loadDocument(tx, head, again);
  const differs = quarantine?.reason ?? difference(doc, again);
  again.destroy();
  if (differs !== null) throw new ScriptoriumError("internal", `Not repaired: ${differs}`);
}
