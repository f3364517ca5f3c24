import type { JSONContent } from "@tiptap/core";
import * as Y from "yjs";
import { ScriptoriumError } from "../schema/errors.ts";
import { fittingContent } from "../schema/fitting-content.ts";
import { yDocDiagram, yDocToContent } from "../schema/yjs-content.ts";
import type { SqlOrTransaction } from "./database.ts";
import { reportDocument, type ListedDocument } from "./list-documents.ts";
import { loadDocument } from "./load-document.ts";

/** A document's content as the log says it is at `seq`, of which the document schema has everything. */
export type ExportedDocument = Pick<
  ListedDocument,
  "id" | "organization" | "project" | "type" | "slug" | "title"
> & {
  readonly seq: number;
  readonly content: JSONContent;
  readonly diagramSource: string | null;
  /** Nodes, marks and attributes that were left out, for the schema does not have them. */
  readonly dropped: number;
};

/**
 * Reads a document from its committed log, not from the columns that follow it after a while.
 * @throws ScriptoriumError `document_not_found`; `document_quarantined` when it cannot be loaded whole.
 */
export async function exportDocument(
  sql: SqlOrTransaction,
  documentId: string,
): Promise<ExportedDocument> {
  const { id, organization, project, type, slug, title, parts } = await reportDocument(
    sql,
    documentId,
  );
  const fields = { id, organization, project, type, slug, title };
  // A row that another program inserted and nobody opened yet has no log.
  if (!parts.some(({ part, headSeq }) => part === "content" && headSeq > 0)) {
    const { content, diagram } = await readColumns(sql, documentId);
    return { ...fields, seq: 0, ...fittingContent(content ?? {}), diagramSource: diagram };
  }
  const doc = new Y.Doc({ gc: true });
  try {
    const stored = await loadDocument(sql, { documentId, part: "content" }, doc);
    if (stored.quarantine !== null) {
      const { seq, reason } = stored.quarantine;
      throw new ScriptoriumError(
        "document_quarantined",
        `Document ${documentId} cannot be loaded past seq ${seq}: ${reason}`,
      );
    }
    const fitting = fittingContent(yDocToContent(doc));
    return { ...fields, seq: stored.headSeq, ...fitting, diagramSource: yDocDiagram(doc) };
  } finally {
    doc.destroy();
  }
}

async function readColumns(
  sql: SqlOrTransaction,
  documentId: string,
): Promise<{ content: JSONContent | null; diagram: string | null }> {
  const [row] = await sql<{ content: JSONContent | null; diagram: string | null }[]>`
    select content, diagram_source as diagram from documents where id = ${documentId}`;
  return row ?? { content: null, diagram: null };
}
