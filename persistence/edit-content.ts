import type { JSONContent } from "@tiptap/core";
import type * as Y from "yjs";
import { assertNever } from "../schema/errors.ts";
import { buildFirstUpdate, buildUpdate, type BuiltUpdate } from "./built-update.ts";
import type { Sql } from "./database.ts";

/** How content is written. */
export type ContentForm = "json" | "markdown" | "html";

/** The content that a document is to have, as it came in; null leaves that part as it is. */
export type ContentEdit = {
  readonly documentId: string;
  /** True for a document that is only being made: it is empty, and the database does not know it yet. */
  readonly isNew: boolean;
  /** `json`: a JSON text with a member `content`, the body of a request. */
  readonly content: { readonly form: ContentForm; readonly text: string } | null;
  readonly diagram: string | null;
};

/**
 * Makes the update that gives a document this content, as a forward edit of its committed state.
 * @throws ScriptoriumError `bad_content`, `too_large` where the content does not fit; as `buildUpdate`.
 */
export async function editContent(
  sql: Sql,
  { documentId, isNew, content, diagram }: ContentEdit,
): Promise<BuiltUpdate> {
  const wanted = content === null ? null : await readContent(content.form, content.text);
  const { replaceContent } = await import("../schema/replace-content.ts");
  const { replaceWords } = await import("../schema/text-edits.ts");
  const { DIAGRAM } = await import("../schema/document-schema.ts");
  const change = (doc: Y.Doc): void => {
    if (wanted !== null) replaceContent(doc, wanted);
    if (diagram !== null) replaceWords(doc.getText(DIAGRAM), diagram);
  };
  return isNew
    ? buildFirstUpdate(change)
    : buildUpdate(sql, { documentId, part: "content" }, change);
}

/**
 * Reads content in either form into Tiptap JSON that fits the document schema.
 * @throws ScriptoriumError `bad_content` with the place and the reason, `too_large`.
 */
async function readContent(form: ContentForm, text: string): Promise<JSONContent> {
  const { parseContent, parseHtml, parseMarkdown } = await import("../schema/content.ts");
  switch (form) {
    case "json":
      return parseContent((JSON.parse(text) as { content: unknown }).content);
    case "markdown":
      return parseMarkdown(text);
    case "html":
      return parseHtml(text);
    default:
      return assertNever(form);
  }
}
