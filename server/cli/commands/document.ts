import type { Command } from "commander";
import { SCRIPT } from "../../../persistence/activities.ts";
import { createDocument } from "../../../persistence/documents.ts";
import {
  deleteDocument,
  listDocuments,
  reportDocument,
  type DocumentReport,
} from "../../../persistence/list-documents.ts";
import { ScriptoriumError } from "../../../schema/errors.ts";
import { documentName } from "../../../schema/ids.ts";
import type { DocumentType } from "../../../schema/closed-sets.ts";
import { slugFrom } from "../../../schema/slug.ts";
import {
  parseDocumentId,
  parseEmail,
  parseSlug,
  projectOption,
  typeOption,
  type ProjectSlugs,
} from "../arguments.ts";
import { confirm, withYes } from "../confirm.ts";
import { formatBytes, formatFields, formatTable, formatTime, plain } from "../format.ts";
import { projectOf, userOf } from "../references.ts";
import { runs } from "../run.ts";

/** `document`: create, list, show, delete. */
export function addDocument(program: Command): void {
  const document = program.command("document").description("documents and what is stored for them");
  addCreate(document);
  addList(document);
  addShow(document);
  addDelete(document);
}

type CreateOptions = {
  project: ProjectSlugs;
  create?: true;
  type: DocumentType;
  title: string;
  slug?: string;
  user?: string;
};

function addCreate(document: Command): void {
  const command = document
    .command("create")
    .description("a new, empty document; `import` makes one with content")
    .addOption(projectOption("where it belongs").makeOptionMandatory())
    .option("--create", "make the project if it is missing")
    .addOption(typeOption())
    .requiredOption("--title <title>", "its title")
    .option("--slug <slug>", "its name in addresses; absent: made of the title", parseSlug)
    .option("--user <email>", "who made it", parseEmail);
  runs<CreateOptions, []>(command, async ({ sql }, options) => {
    const { project, create = false, type, title, user } = options;
    const slug = options.slug ?? slugFrom(title);
    if (slug === null) {
      throw new ScriptoriumError("bad_request", "The title gives no slug: pass --slug");
    }
    const documentId = await sql.begin(async (tx) => {
      const createdBy = user === undefined ? null : (await userOf(tx, user)).userId;
      const { projectId } = await projectOf(tx, project, { create });
      const fields = { projectId, type, title, slug, createdBy };
      return createDocument(tx, { ...fields, content: null, diagramSource: null });
    });
    const name = documentName(documentId, "content");
    return { text: `Made ${name}.`, json: { documentId, name, type, slug, title } };
  });
}

function addList(document: Command): void {
  const command = document
    .command("list")
    .description("all documents that are not deleted")
    .addOption(projectOption("only those of this project"));
  runs<{ project?: ProjectSlugs }, []>(command, async ({ sql }, { project }) => {
    const projectId = project === undefined ? null : (await projectOf(sql, project)).projectId;
    const documents = await listDocuments(sql, { projectId });
    const text = formatTable(
      ["id", "project", "type", "slug", "title", "changed"],
      documents.map((one) => [
        one.id,
        `${one.organization}/${one.project}`,
        one.type,
        one.slug,
        one.title,
        formatTime(one.updatedAt),
      ]),
      "No documents.",
    );
    return { text, json: { documents } };
  });
}

function addShow(document: Command): void {
  const command = document
    .command("show")
    .description("what is stored for one document")
    .argument("<id>", "its id", parseDocumentId);
  runs<object, [string]>(command, async ({ sql }, _options, documentId) => {
    const report = await reportDocument(sql, documentId);
    return { text: reportText(report), json: report };
  });
}

function reportText(report: DocumentReport): string {
  const fields = formatFields([
    ["title", report.title],
    ["project", `${report.organization}/${report.project}`],
    ["type", report.type],
    ["slug", report.slug],
    ["created", formatTime(report.createdAt)],
    ["deleted", formatTime(report.deletedAt)],
    ["versions", `${report.versions} (${formatBytes(report.versionBytes)})`],
  ]);
  const quarantined = report.parts
    .filter((part) => part.quarantinedSeq !== null)
    .map(({ part, quarantinedSeq, quarantineReason }) =>
      plain(`${part} is quarantined at seq ${quarantinedSeq ?? 0}: ${quarantineReason ?? ""}`),
    );
  return [fields, "", partsTable(report), ...quarantined].join("\n");
}

const partsTable = ({ parts }: DocumentReport): string =>
  formatTable(
    ["part", "head", "snapshot", "projected", "snapshot size", "log rows", "log size", "history"],
    parts.map((part) => [
      part.part,
      part.headSeq,
      part.stateSeq,
      part.projectedSeq,
      formatBytes(part.stateBytes),
      part.logRows,
      formatBytes(part.logBytes),
      formatBytes(part.historyBytes),
    ]),
    "Nobody opened it yet: there is no log.",
  );

function addDelete(document: Command): void {
  const command = document
    .command("delete")
    .description("delete a document for everybody; its log stays in the database")
    .argument("<id>", "its id", parseDocumentId);
  runs<object, [string]>(withYes(command), async (context, _options, documentId) => {
    const { title } = await reportDocument(context.sql, documentId);
    await confirm(context, `Delete "${plain(title)}" (${documentId})?`);
    const deleted = await deleteDocument(context.sql, documentId, SCRIPT);
    const text = deleted ? `Deleted ${documentId}.` : `${documentId} was deleted before.`;
    return { text, json: { documentId, deleted } };
  });
}
