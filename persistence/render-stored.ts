import type { JSONContent } from "@tiptap/core";
import type { ContentFormat } from "../schema/api/content.ts";
import { assertNever, ScriptoriumError } from "../schema/errors.ts";
import type { SqlOrTransaction } from "./database.ts";

/** Where content is stored: in a document's columns (null), or in one of its versions. */
export type StoredContent = {
  readonly documentId: string;
  readonly version: number | null;
  readonly format: ContentFormat;
};

/** Content in one of its formats. `dropped`: nodes, marks and attributes that the document schema does not have. */
export type Rendering = { readonly text: string; readonly dropped: number };

/** `seq`: the log position that the content stands for, and the diagram with it. */
export type RenderedContent = Rendering & { readonly seq: number; readonly diagram: string | null };

/** Writes stored content as text. @throws ScriptoriumError `document_not_found`, `not_found` for a version. */
export async function renderStored(
  sql: SqlOrTransaction,
  { documentId, version, format }: StoredContent,
): Promise<RenderedContent> {
  const [row] = await sql<{ seq: number; content: JSONContent | null; diagram: string | null }[]>`
    ${
      version === null
        ? sql`select coalesce(y.projected_seq, 0)::float8 as seq, d.content, d.diagram_source as diagram
              from documents d left join yjs_documents y on y.document_id = d.id and y.part = 'content'
              where d.id = ${documentId} and d.deleted_at is null`
        : sql`select seq::float8 as seq, content, diagram_source as diagram from document_versions
              where document_id = ${documentId} and version_number = ${version}`
    }`;
  if (row === undefined) {
    throw version === null
      ? new ScriptoriumError("document_not_found", "There is no such document")
      : new ScriptoriumError("not_found", "There is no such version");
  }
  const { seq, diagram, content } = row;
  return { seq, diagram, ...(await renderContent(content, format)) };
}

/**
 * Writes content as text, of which the document schema has everything. The columns hold what a document holds, and
 * that may be anything: nothing of it leaves but through here. The schema is loaded when it is first needed.
 */
export async function renderContent(
  stored: JSONContent | null,
  format: ContentFormat,
): Promise<Rendering> {
  const { fittingContent, renderHtml, renderMarkdown } = await import("../schema/content.ts");
  const { content, dropped } = fittingContent(stored ?? {});
  switch (format) {
    case "json":
      return { text: JSON.stringify(content), dropped };
    case "markdown":
      return { text: renderMarkdown(content), dropped };
    case "html":
      return { text: renderHtml(content), dropped };
    default:
      return assertNever(format);
  }
}
