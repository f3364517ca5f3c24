import type { JSONContent } from "@tiptap/core";
import { ScriptoriumError } from "../schema/errors.ts";
import type { SqlOrTransaction } from "./database.ts";

/** Where content is stored: in a document's columns (null), or in one of its versions. */
export type StoredContent = {
  readonly documentId: string;
  readonly version: number | null;
  readonly format: "markdown" | "html";
};

/** Content as text. `seq`: the log position it stands for. */
export type RenderedContent = { readonly seq: number; readonly text: string };

/** Writes stored content as text. @throws ScriptoriumError `document_not_found`, `not_found` for a version. */
export async function renderStored(
  sql: SqlOrTransaction,
  { documentId, version, format }: StoredContent,
): Promise<RenderedContent> {
  const [row] = await sql<{ seq: number; content: JSONContent | null }[]>`
    ${
      version === null
        ? sql`select coalesce(y.projected_seq, 0)::float8 as seq, d.content
              from documents d left join yjs_documents y on y.document_id = d.id and y.part = 'content'
              where d.id = ${documentId} and d.deleted_at is null`
        : sql`select seq::float8 as seq, content from document_versions
              where document_id = ${documentId} and version_number = ${version}`
    }`;
  if (row === undefined) {
    throw version === null
      ? new ScriptoriumError("document_not_found", "There is no such document")
      : new ScriptoriumError("not_found", "There is no such version");
  }
  return { seq: row.seq, text: await renderContent(row.content, format) };
}

/** Writes content as text; the editor's schema is loaded when it is first needed. */
export async function renderContent(
  content: JSONContent | null,
  format: "markdown" | "html",
): Promise<string> {
  const { renderHtml, renderMarkdown } = await import("../schema/content.ts");
  const shown = content ?? { type: "doc", content: [] };
  return format === "html" ? renderHtml(shown) : renderMarkdown(shown);
}
