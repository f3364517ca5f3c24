import { Option, type Command } from "commander";
import { listDocumentIds } from "../../../persistence/documents.ts";
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
    .description("check every document against its log, history and versions; changes nothing")
    .addOption(
      new Option("--all", "every document that is not deleted, as without it").conflicts(
        "document",
      ),
    )
    .option("--document <id>", "this one; can be given several times", collectDocumentIds);
  runs<{ document?: string[] }, []>(withProgress(command), async (context, { document }) => {
    const ids = document ?? (await listDocumentIds(context.sql));
    const totals: Totals = { documents: 0, behind: 0, historyChunks: 0, versions: 0 };
    const problems: NamedProblem[] = [];
    const worked = await each(context, ids, "documents", async (id) => {
      problems.push(...(await verifyOne(context, id, totals, document === undefined)));
    });
    return answer(totals, problems, worked);
  });
}

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

function answer(totals: Totals, problems: readonly NamedProblem[], worked: Worked<string>): Answer {
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
    ...stoppedText(worked, (id) => id),
  ];
  const ok = problems.length === 0 && !stopped;
  return { text: text.join("\n"), json: { ok, ...totals, problems, stopped }, failed: !ok };
}
