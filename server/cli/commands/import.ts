import { basename } from "node:path";
import type { JSONContent } from "@tiptap/core";
import { Option, type Command } from "commander";
import { createDocument, type NewDocument } from "../../../persistence/documents.ts";
import { parseContent, parseMarkdown, plainText } from "../../../schema/content.ts";
import { ScriptoriumError, type ErrorCode } from "../../../schema/errors.ts";
import type { DocumentType } from "../../../schema/closed-sets.ts";
import { slugFrom } from "../../../schema/slug.ts";
import {
  parseEmail,
  parseSlug,
  projectOption,
  typeOption,
  type ProjectSlugs,
} from "../arguments.ts";
import { each, stoppedText, withProgress } from "../each.ts";
import { describeFailure, endsRun } from "../failure.ts";
import { counted, plain } from "../format.ts";
import { projectOf, userOf } from "../references.ts";
import { runs, type Answer, type Context } from "../run.ts";
import {
  findSourceFiles,
  IMPORT_FORMATS,
  readSource,
  type ImportFormat,
  type SourceFile,
} from "../source-files.ts";

type ImportOptions = {
  project: ProjectSlugs;
  create?: true;
  type: DocumentType;
  title?: string;
  slug?: string;
  format?: ImportFormat;
  user?: string;
};

type Imported = { file: string; documentId: string; slug: string; title: string };
type Refused = { file: string; code: ErrorCode; message: string };

/** `import`: documents made of files. */
export function addImport(program: Command): void {
  const command = program
    .command("import")
    .description("make documents of Markdown or Tiptap JSON; one whose slug is taken is refused")
    .argument("<file...>", "files, folders, or - for standard input")
    .addOption(projectOption("where they belong").makeOptionMandatory())
    .option("--create", "make the project if it is missing")
    .addOption(typeOption())
    .option("--title <title>", "for a single file; absent: its first heading, or its name")
    .option("--slug <slug>", "for a single file; absent: made of its name", parseSlug)
    .addOption(
      new Option("--format <format>", "absent: by the file's ending").choices(IMPORT_FORMATS),
    )
    .option("--user <email>", "who made them", parseEmail);
  runs<ImportOptions, [string[]]>(withProgress(command), async (context, options, paths) => {
    const files = await findSourceFiles(paths, options.format);
    const several = files.length !== 1;
    if (several && (options.title ?? options.slug) !== undefined) {
      throw new ScriptoriumError("bad_request", "--title and --slug are for a single file");
    }
    const { sql } = context;
    const createdBy = options.user === undefined ? null : (await userOf(sql, options.user)).userId;
    const { create = false } = options;
    const { projectId } = await projectOf(sql, options.project, { create });
    const place = { projectId, type: options.type, createdBy };
    return importAll(context, files, (file) => importFile(context, file, place, options));
  });
}

/** A single file fails the command; of several, those that are refused are named at the end. */
async function importAll(
  context: Context,
  files: readonly SourceFile[],
  importOne: (file: SourceFile) => Promise<Imported>,
): Promise<Answer> {
  const imported: Imported[] = [];
  const refused: Refused[] = [];
  const worked = await each(context, files, "files", async (file) => {
    try {
      imported.push(await importOne(file));
    } catch (error) {
      if (files.length === 1 || endsRun(error)) throw error;
      const { code, message } = describeFailure(error);
      refused.push({ file: file.path, code, message });
    }
  });
  const text = [
    ...imported.map(({ file, documentId }) => plain(`${file}  document:${documentId}`)),
    `Imported ${counted(imported.length, "file")}.`,
    ...refused.map(({ file, message }) => plain(`Refused ${file}: ${message}`)),
    ...stoppedText(worked, ({ path }) => path),
  ];
  const stopped = worked.next !== null;
  const failed = refused.length > 0 || stopped;
  return { text: text.join("\n"), json: { imported, refused, stopped }, failed };
}

async function importFile(
  { sql }: Context,
  file: SourceFile,
  place: Pick<NewDocument, "projectId" | "type" | "createdBy">,
  options: ImportOptions,
): Promise<Imported> {
  const text = await readSource(file);
  const content = file.format === "markdown" ? parseMarkdown(text) : parseContent(parseJson(text));
  const title = options.title ?? firstHeading(content) ?? basename(file.name);
  const slug = options.slug ?? slugFrom(file.name === "" ? title : file.name);
  if (slug === null || title === "") {
    throw new ScriptoriumError(
      "bad_request",
      `${file.path} gives no slug: pass --slug and --title`,
    );
  }
  const documentId = await createDocument(sql, {
    ...place,
    title,
    slug,
    content,
    diagramSource: null,
  });
  return { file: file.path, documentId, slug, title };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ScriptoriumError("bad_content", `This is not JSON: ${reason}`, { cause });
  }
}

/** Longer than any heading that is meant as a title. */
const MAX_TITLE = 200;

function firstHeading(content: JSONContent): string | null {
  const [first] = content.content ?? [];
  if (first?.type !== "heading") return null;
  const text = plainText(first).replaceAll(/\s+/gu, " ").trim().slice(0, MAX_TITLE);
  return text === "" ? null : text;
}
