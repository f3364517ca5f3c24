import * as Y from "yjs";
import { plainText } from "../schema/content-text.ts";
import { yDocDiagram, yDocToContent } from "../schema/yjs-content.ts";
import type { Sql } from "./database.ts";
import { toJsonb, withoutNul } from "./jsonb.ts";
import { loadDocument } from "./load-document.ts";
import { markQuarantined } from "./quarantine.ts";

/** `projected`: the columns now say what the log said at `seq`. `current`: they already did. `quarantined`: it cannot be loaded. */
export type ProjectionResult = {
  readonly outcome: "projected" | "current" | "quarantined";
  readonly seq: number;
};

/**
 * Derives what SQL needs to know of a document from its committed state: its JSON, its diagram and its text.
 *
 * Maintained invariant [P1]: the columns and `projected_seq` change in one transaction, and only forwards, so a
 * crash in between is caught up by the next run and a slow projection cannot undo a newer one.
 */
export async function projectDocument(sql: Sql, documentId: string): Promise<ProjectionResult> {
  const doc = new Y.Doc({ gc: true });
  const stored = await loadDocument(sql, { documentId, part: "content" }, doc);
  const seq = stored.headSeq;
  if (stored.quarantine !== null) {
    doc.destroy();
    // Or every sweep would meet it again, and a hundred of them would keep all others from their turn.
    await markQuarantined(sql, { documentId, part: "content" }, stored.quarantine);
    return { outcome: "quarantined", seq };
  }
  if (stored.projectedSeq >= seq && seq > 0) return { outcome: "current", seq };
  const content = yDocToContent(doc);
  const diagram = yDocDiagram(doc);
  doc.destroy();
  const advanced = await sql.begin(async (tx) => {
    const moved = await tx`
      update yjs_documents set projected_seq = ${seq}
      where document_id = ${documentId} and part = 'content' and projected_seq < ${seq}`;
    if (moved.count === 0) return false;
    await tx`
      update documents
      set content = ${toJsonb(content)}::text::jsonb, content_text = ${withoutNul(plainText(content))},
          diagram_source = ${diagram === null ? null : withoutNul(diagram)}
      where id = ${documentId}`;
    return true;
  });
  return { outcome: advanced ? "projected" : "current", seq };
}
