import { Option, type Command } from "commander";
import { listDocumentIds } from "../../../persistence/documents.ts";
import { rebuildComments } from "../../../persistence/verify-comments.ts";
import { verifyDocument, type FoundProblem } from "../../../persistence/verify.ts";
import { documentName, type DocumentName } from "../../../schema/ids.ts";
import { collectDocumentIds } from "../arguments.ts";
import { each, stoppedText, withProgress, type Worked } from "../each.ts";
import { describeFailure, endsRun } from "../failure.ts";
import { counted, plain } from "../format.ts";
import { runs, type Answer, type Context } from "../run.ts";

type NamedProblem = Omit<FoundProblem, "part"> & { readonly name: DocumentName };

/** What a run looked at and found. */
type Totals = { documents: number; behind: number; historyChunks: number; versions: number };

/** `verify`: is everything that is stored whole, and does it agree? */
export function addVerify(program: Command): void {
  const command = program
    .command("verify")
    .description("check every document against its log, history, versions and discussion")
    .addOption(
      new Option("--all", "every document that is not deleted, as without it").conflicts(
        "document",
      ),
    )
    .option("--document <id>", "this one; can be given several times", collectDocumentIds)
    .option("--rebuild", "make the rows of comments from the discussion anew where they differ")
    .option("--yes", "with --rebuild: do it; without it nothing is changed");
  runs<VerifyOptions, []>(withProgress(command), async (context, { document, rebuild }) => {
    const ids = document ?? (await listDocumentIds(context.sql));
    const totals: Totals = { documents: 0, behind: 0, historyChunks: 0, versions: 0 };
    const problems: NamedProblem[] = [];
    const rebuilding = rebuild === true ? { rows: 0, isDone: context.yes } : null;
    const worked = await each(context, ids, "documents", async (id) => {
      let found = await verifyOne(context, id, totals, document === undefined);
      if (rebuilding !== null && found.some(({ check }) => check === "comments")) {
        rebuilding.rows += context.yes ? await rebuildComments(context.sql, id) : found.length;
        found = context.yes ? found.filter(({ check }) => check !== "comments") : found;
      }
      problems.push(...found);
    });
    return answer(totals, problems, worked, rebuilding);
  });
}

type VerifyOptions = { document?: string[]; rebuild?: true };

/** What came of `--rebuild`; null where it was not asked for. */
type Rebuilding = { readonly rows: number; readonly isDone: boolean } | null;

async function verifyOne(
  { sql }: Context,
  documentId: string,
  totals: Totals,
  fromList: boolean,
): Promise<NamedProblem[]> {
  try {
    const verification = await verifyDocument(sql, documentId);
    totals.documents += 1;
    totals.behind += verification.behind ? 1 : 0;
    totals.historyChunks += verification.historyChunks;
    totals.versions += verification.versions;
    return verification.problems.map(({ part, ...problem }) => ({
      name: documentName(documentId, part),
      ...problem,
    }));
  } catch (error) {
    if (endsRun(error)) throw error;
    const { code, message: reason } = describeFailure(error);
    if (code === "document_not_found") {
      // Removed for good since the list was made: nothing to check.
      if (fromList) return [];
      throw error;
    }
    return [{ name: documentName(documentId, "content"), check: "load", seq: null, reason }];
  }
}

function answer(
  totals: Totals,
  problems: readonly NamedProblem[],
  worked: Worked<string>,
  rebuilding: Rebuilding,
): Answer {
  const { documents, behind, historyChunks, versions } = totals;
  const stopped = worked.next !== null;
  const text = [
    ...problems.map(({ name, seq, check, reason }) =>
      plain(`${name}  ${seq === null ? "" : `seq ${seq}  `}${check}: ${reason}`),
    ),
    `${counted(documents, "document")}, ${counted(versions, "version")} and ` +
      `${counted(historyChunks, "chunk")} of history checked; ${counted(problems.length, "problem")}.`,
    ...(behind === 0
      ? []
      : [`${counted(behind, "document")}: columns still behind the log, no problem.`]),
    ...rebuildText(rebuilding),
    ...stoppedText(worked, (id) => id),
  ];
  const ok = problems.length === 0 && !stopped;
  const json = { ok, ...totals, problems, rebuilt: rebuilding, stopped };
  return { text: text.join("\n"), json, failed: !ok };
}

function rebuildText(rebuilding: Rebuilding): string[] {
  if (rebuilding === null) return [];
  if (rebuilding.isDone) return [`${counted(rebuilding.rows, "row")} of comments made anew.`];
  return rebuilding.rows === 0 ? [] : ["Nothing was changed. With --yes it is done."];
}
