import { Option, type Command } from "commander";
import { listLogHeads, type LogHead } from "../../../persistence/list-documents.ts";
import { listQuarantined } from "../../../persistence/quarantine.ts";
import { repairDocument, type RepairResult } from "../../../persistence/repair.ts";
import { documentName, type DocumentName } from "../../../schema/ids.ts";
import { collectDocumentIds, requireAll } from "../arguments.ts";
import { each, stoppedText, withProgress, type Worked } from "../each.ts";
import { describeFailure, endsRun } from "../failure.ts";
import { counted, formatBytes, formatTime, plain } from "../format.ts";
import { runs, type Answer, type Context } from "../run.ts";

type RepairOptions = { all?: true; document?: string[] };
type Failed = { readonly name: DocumentName; readonly code: string; readonly message: string };
type Found = { readonly name: DocumentName; readonly result: RepairResult };

/** `repair`: puts right what `verify` calls `load` or `log`; says first what it would do. */
export function addRepair(program: Command): void {
  const command = program
    .command("repair")
    .description(
      "put documents right that cannot be loaded whole; without --yes says what it would do",
    )
    .addOption(
      new Option(
        "--all",
        "look at every document, not only at those that are quarantined",
      ).conflicts("document"),
    )
    .option("--document <id>", "this one; can be given several times", collectDocumentIds)
    .option("--yes", "do it; without it nothing is changed");
  runs<RepairOptions, []>(withProgress(command), async (context, options) => {
    const ids =
      options.document ?? (options.all === true ? null : await listQuarantined(context.sql));
    const heads = await listLogHeads(context.sql, ids);
    if (options.document !== undefined) requireAll(options.document, heads);
    return repairAll(context, heads);
  });
}

async function repairAll(context: Context, heads: readonly LogHead[]): Promise<Answer> {
  const found: Found[] = [];
  const failures: Failed[] = [];
  const worked = await each(context, heads, "document parts", async (head) => {
    const name = nameOf(head);
    try {
      const result = await repairDocument(context.sql, head, { dryRun: !context.yes });
      if (result.outcome !== "sound") found.push({ name, result });
    } catch (error) {
      if (endsRun(error)) throw error;
      const { code, message } = describeFailure(error);
      failures.push({ name, code, message });
    }
  });
  return answer(found, failures, worked, context.yes);
}

const nameOf = ({ documentId, part }: LogHead): DocumentName => documentName(documentId, part);

function answer(
  found: readonly Found[],
  failures: readonly Failed[],
  worked: Worked<LogHead>,
  done: boolean,
): Answer {
  const stopped = worked.next !== null;
  const text = [
    ...found.flatMap(({ name, result }) => [name, ...describe(result).map((line) => `  ${line}`)]),
    ...failures.map(({ name, message }) => plain(`Failed ${name}: ${message}`)),
    `${counted(worked.done, "document part")} looked at; ${counted(found.length, "part")} ` +
      `${done ? "repaired" : "to repair"}, ${failures.length} failed.`,
    ...(done || found.length === 0 ? [] : ["Nothing was changed. With --yes it is done."]),
    ...stoppedText(worked, nameOf),
  ];
  const json = { dryRun: !done, parts: found.map(toJson), failures, stopped };
  const failed = failures.length > 0 || stopped || (!done && found.length > 0);
  return { text: text.join("\n"), json, failed };
}

/** What is done with one part, and what it costs, before anything is done. */
function describe({ head, snapshot, setAside, keptRows }: RepairResult): string[] {
  if (snapshot === null && setAside.length === 0) {
    return [`loads whole: the mark at seq ${head.quarantinedSeq ?? 0} is taken away`];
  }
  const rows = setAside.map(({ kind, seq, reason, bytes, author, createdAt }) => {
    const by = author.agentId ?? author.userId;
    const whose =
      kind === "missing" ? [] : [formatBytes(bytes), formatTime(createdAt), by ?? "nobody"];
    return plain([`seq ${seq}`, "set aside", ...whose, reason].join("  "));
  });
  return [
    ...(snapshot === null ? [] : describeSnapshot(head.stateSeq, snapshot)),
    ...rows,
    `${counted(keptRows, "row")} after seq ${head.stateSeq} kept, ${setAside.length} set aside`,
  ];
}

function describeSnapshot(
  stateSeq: number,
  { reason, version, fromSeq, lostRows }: NonNullable<RepairResult["snapshot"]>,
): string[] {
  const from =
    version === null
      ? "the history"
      : `version ${version} (seq ${fromSeq}) and the history after it`;
  const lost =
    lostRows === 0
      ? "nothing is lost"
      : `${counted(lostRows, "row")} between seq ${fromSeq + 1} and ${stateSeq} cannot be recovered`;
  return [
    plain(`snapshot at seq ${stateSeq}  set aside  ${reason}`),
    `made anew from ${from}: ${lost}`,
  ];
}

const toJson = ({ name, result: { head, snapshot, setAside, keptRows, outcome } }: Found) => ({
  name,
  outcome,
  headSeq: head.headSeq,
  stateSeq: head.stateSeq,
  quarantinedSeq: head.quarantinedSeq,
  snapshot,
  setAside,
  keptRows,
});
