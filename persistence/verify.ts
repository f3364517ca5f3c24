import * as Y from "yjs";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Part } from "../schema/ids.ts";
import type { Sql, SqlOrTransaction } from "./database.ts";
import { checkComments } from "./verify-comments.ts";
import { checkProjection, checkVersions } from "./verify-content.ts";
import { checkHistory } from "./verify-history.ts";
import {
  checkClients,
  checkLoads,
  checkSnapshot,
  findGaps,
  type Head,
  type Problem,
} from "./verify-log.ts";

/** A problem and the part of the document that has it. */
export type FoundProblem = Problem & { readonly part: Part };

/** What a check of one document found. */
export type Verification = {
  readonly documentId: string;
  readonly problems: readonly FoundProblem[];
  /** Its columns have not caught up with its log yet, which is no problem: a server will do it. */
  readonly behind: boolean;
  readonly historyChunks: number;
  readonly versions: number;
};

/**
 * Checks everything that is stored for one document against everything else, and changes nothing.
 *
 * One repeatable-read transaction: what people type and what is compacted meanwhile is seen whole or not at all,
 * so neither is mistaken for a fault.
 *
 * @throws ScriptoriumError `document_not_found`; PostgreSQL's errors as they are.
 */
export const verifyDocument = (sql: Sql, documentId: string): Promise<Verification> =>
  sql.begin("isolation level repeatable read read only", (tx) => verify(tx, documentId));

async function verify(tx: SqlOrTransaction, documentId: string): Promise<Verification> {
  const heads = await readHeads(tx, documentId);
  const problems: FoundProblem[] = [];
  let historyChunks = 0;
  let versions = 0;
  for (const head of heads) {
    const history = await checkHistory(tx, head);
    const found = [...(await checkPart(tx, head)), ...history.problems];
    historyChunks += history.chunks;
    if (head.part === "content") {
      const checked = await checkVersions(tx, head);
      versions = checked.versions;
      found.push(...checked.problems);
    }
    problems.push(...found.map((problem) => ({ ...problem, part: head.part })));
  }
  const behind = heads.some((head) => head.part === "content" && head.projectedSeq < head.headSeq);
  return { documentId, problems, behind, historyChunks, versions };
}

async function readHeads(tx: SqlOrTransaction, documentId: string): Promise<Head[]> {
  const [document] = await tx`select 1 from documents where id = ${documentId}`;
  if (document === undefined) {
    throw new ScriptoriumError("document_not_found", `No document ${documentId}`);
  }
  return tx<Head[]>`
    select document_id as "documentId", part, head_seq::float8 as "headSeq", state_seq::float8 as "stateSeq",
           projected_seq::float8 as "projectedSeq", state_vector as "stateVector",
           quarantined_seq::float8 as "quarantinedSeq"
    from yjs_documents where document_id = ${documentId} order by part desc`;
}

async function checkPart(tx: SqlOrTransaction, head: Head): Promise<Problem[]> {
  const gaps = await findGaps(tx, head);
  const doc = new Y.Doc({ gc: true });
  try {
    const unloadable = await checkLoads(tx, head, doc);
    if (unloadable !== null) {
      // A missing row is also what stops the load: it is named once.
      return gaps.some(({ seq }) => seq === unloadable.seq) ? gaps : [...gaps, unloadable];
    }
    return [...gaps, ...staleQuarantine(head), ...(await checkWhole(tx, head, doc))];
  } finally {
    doc.destroy();
  }
}

/** Sweeps pass a marked document by, so a mark that outlived its reason does harm. */
const staleQuarantine = ({ quarantinedSeq }: Head): Problem[] =>
  quarantinedSeq === null
    ? []
    : [
        {
          check: "quarantine",
          seq: quarantinedSeq,
          reason: "the document is marked as quarantined, but loads whole",
        },
      ];

/** What can only be asked of a document that loaded. */
async function checkWhole(tx: SqlOrTransaction, head: Head, doc: Y.Doc): Promise<Problem[]> {
  const problems = await checkClients(tx, head, doc);
  problems.push(...(await checkSnapshot(tx, head, doc)));
  const checkDerived = head.part === "content" ? checkProjection : checkComments;
  problems.push(...(await checkDerived(tx, head, doc)));
  return problems;
}
