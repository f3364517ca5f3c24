import { readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Option, type Command } from "commander";
import { listDocumentIds } from "../../../persistence/documents.ts";
import { exportDocument, type ExportedDocument } from "../../../persistence/export-document.ts";
import { makeFolder } from "../../../persistence/make-folder.ts";
import { ScriptoriumError, type ErrorCode } from "../../../schema/errors.ts";
import { isSlug, parseDocumentId } from "../arguments.ts";
import { confirm, withYes } from "../confirm.ts";
import { each, stoppedText, withProgress } from "../each.ts";
import { describeFailure, endsRun } from "../failure.ts";
import { counted, plain } from "../format.ts";
import { ENDINGS, EXPORT_FORMATS, renderDocument, type ExportFormat } from "../rendered.ts";
import { runs, type Answer, type Context } from "../run.ts";

type ExportOptions = { format: ExportFormat; out?: string; all?: true };
type Failed = { documentId: string; code: ErrorCode; message: string };

/** `export`: documents as files. */
export function addExport(program: Command): void {
  const command = program
    .command("export")
    .description("write documents as they stand in the log")
    .argument("[document-id]", "one document", parseDocumentId)
    .option("--all", "every document that is not deleted, into the folder of --out")
    .addOption(new Option("--format <format>", "how").choices(EXPORT_FORMATS).default("markdown"))
    .option("--out <path>", "a file, with --all a folder; absent: standard output");
  runs<ExportOptions, [string | undefined]>(
    withYes(withProgress(command)),
    async (context, { all = false, format, out }, documentId) => {
      if (all === (documentId !== undefined)) {
        throw new ScriptoriumError("bad_request", "Name one document, or pass --all");
      }
      if (documentId !== undefined) return exportOne(context, documentId, format, out);
      if (out === undefined) {
        throw new ScriptoriumError("bad_request", "--all needs --out <folder>");
      }
      return exportAll(context, format, out);
    },
  );
}

async function exportOne(
  context: Context,
  documentId: string,
  format: ExportFormat,
  out: string | undefined,
): Promise<Answer> {
  const document = await exportDocument(context.sql, documentId);
  const rendered = renderDocument(document, format);
  const { content, ...about } = document;
  if (out === undefined) {
    const json = { ...about, format, content: format === "json" ? content : rendered };
    return { text: rendered, json, ...noteOf([document]) };
  }
  const present = await stat(out).catch(() => null);
  if (present !== null) await confirm(context, `${out} is there already. Overwrite it?`);
  await writeFile(out, rendered);
  const json = { ...about, format, file: out };
  return { text: `Wrote ${out}.`, json, ...noteOf([document]) };
}

/** Says what was left out, beside the content and not in it. */
function noteOf(documents: readonly Pick<ExportedDocument, "id" | "dropped">[]): {
  note?: string;
} {
  const lines = documents
    .filter(({ dropped }) => dropped > 0)
    .map(
      ({ id, dropped }) => `Left out of ${id}: ${dropped} that the document schema does not have.`,
    );
  return lines.length === 0 ? {} : { note: lines.join("\n") };
}

async function exportAll(context: Context, format: ExportFormat, out: string): Promise<Answer> {
  const present = await readdir(out).catch(() => []);
  if (present.length > 0) {
    await confirm(context, `${out} is not empty. Overwrite what has the same name in it?`);
  }
  const ids = await listDocumentIds(context.sql);
  const files: { documentId: string; file: string; dropped: number }[] = [];
  const failures: Failed[] = [];
  const worked = await each(context, ids, "documents", async (documentId) => {
    try {
      const document = await exportDocument(context.sql, documentId);
      const file = join(out, filePath(document, format));
      await makeFolder(dirname(file));
      await writeFile(file, renderDocument(document, format));
      files.push({ documentId, file, dropped: document.dropped });
    } catch (error) {
      // A full disk or a lost database fails every document, a broken document only itself.
      if (endsRun(error)) throw error;
      const { code, message } = describeFailure(error);
      failures.push({ documentId, code, message });
    }
  });
  const stopped = worked.next !== null;
  const text = [
    `Wrote ${counted(files.length, "document")} to ${out}.`,
    ...failures.map(({ documentId, message }) => plain(`Not ${documentId}: ${message}`)),
    ...stoppedText(worked, (id) => id),
  ];
  const json = { files, failures, stopped };
  const note = noteOf(files.map(({ documentId: id, dropped }) => ({ id, dropped })));
  return { text: text.join("\n"), json, failed: failures.length > 0 || stopped, ...note };
}

/** `organization/project/type/slug.md`. What another program wrote into a slug must not lead out of the folder. */
function filePath(document: ExportedDocument, format: ExportFormat): string {
  const { organization, project, type, slug, id } = document;
  const [folder, inside, name] = [organization, project, slug].map((part) =>
    isSlug(part) ? part : null,
  );
  return join(
    folder ?? "other",
    inside ?? "other",
    type,
    `${name === null || folder === null || inside === null ? id : name}.${ENDINGS[format]}`,
  );
}
