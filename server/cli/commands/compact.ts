import { constants, setPriority } from "node:os";
import { Option, type Command } from "commander";
import { compactDocument, type CompactionResult } from "../../../persistence/compaction.ts";
import { listLogHeads, type LogHead } from "../../../persistence/list-documents.ts";
import { serverIsRunning } from "../../../persistence/server-lock.ts";
import { ScriptoriumError, type ErrorCode } from "../../../schema/errors.ts";
import { documentName, type DocumentName } from "../../../schema/ids.ts";
import { collectDocumentIds, requireAll } from "../arguments.ts";
import { withYes } from "../confirm.ts";
import { each, stoppedText, withProgress, type Worked } from "../each.ts";
import { describeFailure, endsRun } from "../failure.ts";
import { formatBytes, formatFields, plain } from "../format.ts";
import { runs, type Answer, type Context } from "../run.ts";

type CompactOptions = { all?: true; document?: string[]; dryRun?: true; fast?: true };
type Failed = { name: DocumentName; code: ErrorCode; message: string };

/** What a run did, in parts of documents and in bytes as stored. */
type Totals = {
  compacted: number;
  nothingToDo: number;
  /** Another process compacted it meanwhile: it is done, but not by us. */
  lostTheRace: number;
  versions: number;
  rows: number;
  beforeBytes: number;
  afterBytes: number;
  historyBytes: number;
};

/**
 * Beside a running server the script rests nine times as long as it worked: nine tenths of the time the people who
 * type have the machine and the database to themselves (`npm run bench -- --only compaction`).
 */
const REST_FACTOR = 9;

/** `compact`: what a running server does by itself, for all documents, now. */
export function addCompact(program: Command): void {
  const command = program
    .command("compact")
    .description("merge logs into snapshots; history is kept, running servers are not disturbed")
    .addOption(new Option("--all", "every document that is not deleted").conflicts("document"))
    .option("--document <id>", "this one; can be given several times", collectDocumentIds)
    .option("--dry-run", "say what would be saved, change nothing")
    .option("--fast", "as fast as it can, also beside a running server");
  runs<CompactOptions, []>(withYes(withProgress(command)), async (context, options) => {
    const { all = false, document = null, dryRun = false, fast = false } = options;
    if (!all && document === null) {
      throw new ScriptoriumError("bad_request", "Say which: --all or --document <id>");
    }
    const heads = await listLogHeads(context.sql, all ? null : document);
    requireAll(document, heads);
    const isGentle = !fast && (await serverIsRunning(context.sql));
    if (isGentle) setPriority(constants.priority.PRIORITY_LOW);
    return compactAll(context, heads, { dryRun, restFactor: isGentle ? REST_FACTOR : 0 });
  });
}

async function compactAll(
  context: Context,
  heads: readonly LogHead[],
  { dryRun, restFactor }: { dryRun: boolean; restFactor: number },
): Promise<Answer> {
  const totals: Totals = {
    compacted: 0,
    nothingToDo: 0,
    lostTheRace: 0,
    versions: 0,
    rows: 0,
    beforeBytes: 0,
    afterBytes: 0,
    historyBytes: 0,
  };
  const failures: Failed[] = [];
  const work = async (head: LogHead): Promise<void> => {
    if (head.headSeq === head.stateSeq) {
      totals.nothingToDo += 1;
      return;
    }
    try {
      count(totals, await compactOne(context, head, dryRun));
    } catch (error) {
      // A lost database fails them all, a broken document only itself.
      if (endsRun(error)) throw error;
      const { code, message } = describeFailure(error);
      failures.push({ name: nameOf(head), code, message });
    }
  };
  const worked = await each(context, heads, "document parts", work, restFactor);
  return answer(totals, failures, worked, dryRun);
}

const compactOne = (
  { sql, config }: Context,
  head: LogHead,
  dryRun: boolean,
): Promise<CompactionResult> =>
  compactDocument(sql, head, { versions: { minIntervalMs: config.VERSION_INTERVAL_MS }, dryRun });

const nameOf = ({ documentId, part }: LogHead): DocumentName => documentName(documentId, part);

function count(totals: Totals, result: CompactionResult): void {
  if (result.outcome === "nothing_to_do") totals.nothingToDo += 1;
  else if (result.outcome === "lost_the_race") totals.lostTheRace += 1;
  else {
    totals.compacted += 1;
    totals.versions += result.version === null ? 0 : 1;
    totals.rows += result.rows;
    totals.beforeBytes += result.beforeBytes;
    totals.afterBytes += result.afterBytes;
    totals.historyBytes += result.historyBytes;
  }
}

function answer(
  totals: Totals,
  failures: readonly Failed[],
  worked: Worked<LogHead>,
  dryRun: boolean,
): Answer {
  const { beforeBytes, afterBytes, historyBytes } = totals;
  // The history is stored too, for its retention: what is gone today is less than what will be gone then.
  const savedBytes = beforeBytes - afterBytes - historyBytes;
  const savedAfterRetentionBytes = beforeBytes - afterBytes;
  const stoppedBefore = worked.next === null ? null : nameOf(worked.next);
  const would = dryRun ? "would be " : "";
  const text = [
    `${totals.compacted} document parts ${would}compacted, ${totals.nothingToDo} had nothing to do, ` +
      `${totals.lostTheRace} compacted by another process meanwhile, ${failures.length} failed.`,
    "",
    formatFields([
      ["rows", totals.rows],
      ["before", `${formatBytes(beforeBytes)}  snapshots and log`],
      ["after", `${formatBytes(afterBytes)}  snapshots`],
      ["history", `${formatBytes(historyBytes)}  the rows, packed, kept for their retention`],
      ["saved", `${formatBytes(savedBytes)}  now`],
      ["", `${formatBytes(savedAfterRetentionBytes)}  when the retention has ended`],
    ]),
    ...failures.map(({ name, message }) => plain(`Failed ${name}: ${message}`)),
    ...stoppedText(worked, nameOf),
  ];
  const json = { dryRun, ...totals, savedBytes, savedAfterRetentionBytes, failures, stoppedBefore };
  return { text: text.join("\n"), json, failed: failures.length > 0 || stoppedBefore !== null };
}
