import type { JSONContent } from "@tiptap/core";
import * as Y from "yjs";
import type { ContentFormat } from "../schema/api/content.ts";
import { assertNever, ScriptoriumError } from "../schema/errors.ts";
import { yDocDiagram, yDocToContent } from "../schema/yjs-content.ts";
import type { SqlOrTransaction } from "./database.ts";
import { loadToWrite } from "./load-committed.ts";

/** Where content is stored: in a document's log (null), or in one of its versions. */
export type StoredContent = {
  readonly documentId: string;
  readonly version: number | null;
  readonly format: ContentFormat;
};

/** Content in one of its formats. `dropped`: nodes, marks and attributes that the document schema does not have. */
export type Rendering = { readonly text: string; readonly dropped: number };

/** `seq`: the log position that the content stands for, and the diagram with it. */
export type RenderedContent = Rendering & { readonly seq: number; readonly diagram: string | null };

/** What is stored at a position of the log. */
export type Stored = {
  readonly seq: number;
  readonly content: JSONContent | null;
  readonly diagram: string | null;
};

/**
 * Writes stored content as text: of a document what is committed now, from its log and not from its columns, which
 * are behind while people type.
 * @throws ScriptoriumError `document_not_found`, `not_found` for a version; `document_quarantined`.
 */
export async function renderStored(
  sql: SqlOrTransaction,
  { documentId, version, format }: StoredContent,
): Promise<RenderedContent> {
  const stored = await (version === null
    ? readCommitted(sql, documentId)
    : readVersion(sql, documentId, version));
  const { seq, diagram, content } = stored;
  return { seq, diagram, ...(await renderContent(content, format)) };
}

/**
 * The content of a document as it is committed.
 * @throws ScriptoriumError `document_not_found`, `document_quarantined`.
 */
export async function readCommitted(sql: SqlOrTransaction, documentId: string): Promise<Stored> {
  const unwritten = await readUnwritten(sql, documentId);
  if (unwritten !== null) return unwritten;
  const doc = new Y.Doc({ gc: true });
  try {
    const { seq } = await loadToWrite(sql, { documentId, part: "content" }, doc);
    return { seq, content: yDocToContent(doc), diagram: yDocDiagram(doc) };
  } finally {
    doc.destroy();
  }
}

/** A document that another program has inserted and nobody has opened is what its columns say. */
async function readUnwritten(sql: SqlOrTransaction, documentId: string): Promise<Stored | null> {
  const [row] = await sql<Omit<Stored, "seq">[]>`
    select d.content, d.diagram_source as diagram
    from documents d left join yjs_documents y on y.document_id = d.id and y.part = 'content'
    where d.id = ${documentId} and coalesce(y.head_seq, 0) = 0`;
  return row === undefined ? null : { ...row, seq: 0 };
}

async function readVersion(
  sql: SqlOrTransaction,
  documentId: string,
  number: number,
): Promise<Stored> {
  const [row] = await sql<Stored[]>`
    select seq::float8 as seq, content, diagram_source as diagram from document_versions
    where document_id = ${documentId} and version_number = ${number}`;
  if (row !== undefined) return row;
  throw new ScriptoriumError("not_found", "There is no such version");
}

/**
 * Writes content as text, of which the document schema has everything. A document may hold anything: nothing of it
 * leaves but through here. The schema is loaded when it is first needed.
 */
async function renderContent(
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
