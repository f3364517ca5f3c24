import type { JSONContent } from "@tiptap/core";
import * as Y from "yjs";
import { ScriptoriumError } from "../schema/errors.ts";
import type { DocumentAddress } from "../schema/ids.ts";
import type { DocumentType } from "../schema/closed-sets.ts";
import { documentOf, note, SCRIPT, type Actor } from "./activities.ts";
import { appendUpdates } from "./append-updates.ts";
import { errorCode, UNIQUE_VIOLATION, type SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";
import { mergeUpdates } from "./merge-updates.ts";

/** What a document starts with. */
export type NewDocument = {
  readonly projectId: string;
  readonly type: DocumentType;
  readonly title: string;
  readonly slug: string;
  readonly createdBy: string | null;
  /** Valid Tiptap JSON (`parseContent`, `parseMarkdown`); becomes the first update of the log. */
  readonly content: JSONContent | null;
  readonly diagramSource: string | null;
  readonly featureId?: string | null;
  readonly sortOrder?: number;
};

/**
 * Creates a document with both its parts and, if there is any, its first content, in one transaction. `by` stands in
 * its activity.
 * @throws ScriptoriumError `conflict` when the project has one of this type and slug already.
 */
export async function createDocument(
  sql: SqlOrTransaction,
  document: NewDocument,
  by: Actor = SCRIPT,
): Promise<string> {
  try {
    return "begin" in sql
      ? await sql.begin((tx) => insertDocument(tx, document, by))
      : await insertDocument(sql, document, by);
  } catch (error) {
    if (errorCode(error) !== UNIQUE_VIOLATION) throw error;
    const { type, slug } = document;
    throw new ScriptoriumError("conflict", `The project has a ${type} "${slug}" already`, {
      cause: error,
    });
  }
}

async function insertDocument(
  tx: SqlOrTransaction,
  document: NewDocument,
  by: Actor,
): Promise<string> {
  const { projectId, type, title, slug, createdBy, content, diagramSource } = document;
  const { featureId = null, sortOrder = 0 } = document;
  const [row] = await tx<{ id: string }[]>`
    with changed as (
      insert into documents (project_id, type, title, slug, created_by, content, diagram_source, feature_id, sort_order)
      values (${projectId}, ${type}, ${title}, ${slug}, ${createdBy},
              ${content === null ? null : toJsonb(content)}::text::jsonb, ${diagramSource}, ${featureId}, ${sortOrder})
      returning ${documentOf(tx)}
    ), noted as (${note(tx, by, { entity: "document", action: "created" })})
    select entity_id as id from changed`;
  if (row === undefined) throw new ScriptoriumError("internal", "No document was inserted");
  await ensureParts(tx, row.id);
  await firstContentInTransaction(tx, row.id);
  return row.id;
}

/** Gives a document that another program inserted its two head rows. Harmless when they are there. */
export async function ensureParts(sql: SqlOrTransaction, documentId: string): Promise<void> {
  await sql`
    insert into yjs_documents (document_id, part)
    select id, part from documents, unnest('{content,comments}'::text[]) as part where id = ${documentId}
    on conflict do nothing`;
}

/**
 * Makes the first update of a document from `documents.content` and `diagram_source`, exactly once.
 * Twenty openers at once: the head row's lock lets one in, the others then see that it is done (FIELD-NOTES 28).
 * Returns true when the log has something to load now that it had not before.
 */
export async function makeFirstContent(
  sql: SqlOrTransaction,
  { documentId, part }: Pick<DocumentAddress, "documentId" | "part">,
): Promise<boolean> {
  if (part !== "content") return false;
  return "begin" in sql
    ? sql.begin((tx) => firstContentInTransaction(tx, documentId))
    : firstContentInTransaction(sql, documentId);
}

async function firstContentInTransaction(
  tx: SqlOrTransaction,
  documentId: string,
): Promise<boolean> {
  const [head] = await tx<{ head_seq: string }[]>`
    select head_seq from yjs_documents
    where document_id = ${documentId} and part = 'content' for no key update`;
  if (head === undefined) return false;
  if (Number(head.head_seq) > 0) return true;
  const [document] = await tx<
    { content: JSONContent | null; diagram: string | null; author: string | null }[]
  >`
    select content, diagram_source as diagram, created_by as author from documents where id = ${documentId}`;
  const update = await firstUpdate(document?.content ?? null, document?.diagram ?? null);
  if (update === null) return false;
  const batch = {
    documentId,
    part: "content" as const,
    batchId: crypto.randomUUID(),
    knownHeadSeq: 0,
    rows: [
      {
        update,
        author: { userId: document?.author ?? null, agentId: null },
        newClients: [...Y.parseUpdateMeta(update).to.keys()],
      },
    ],
  };
  await appendUpdates(tx, [batch]);
  return true;
}

/** The editor's schema is loaded when it is first needed: most starts never do, and it takes 30 MB. */
async function firstUpdate(
  content: JSONContent | null,
  diagram: string | null,
): Promise<Uint8Array | null> {
  if (content === null && diagram === null) return null;
  const { contentToYUpdate } = await import("../schema/yjs-content.ts");
  const { DIAGRAM } = await import("../schema/document-schema.ts");
  const updates: Uint8Array[] = [];
  if (content !== null) updates.push(fitting(() => contentToYUpdate(content)));
  if (diagram !== null && diagram !== "") {
    const doc = new Y.Doc();
    doc.getText(DIAGRAM).insert(0, diagram);
    updates.push(Y.encodeStateAsUpdate(doc));
    doc.destroy();
  }
  return updates.length === 0 ? null : mergeUpdates(updates);
}

/** Another program may have put anything into `documents.content`. */
function fitting(convert: () => Uint8Array): Uint8Array {
  try {
    return convert();
  } catch (cause) {
    throw new ScriptoriumError("bad_content", "documents.content does not fit the schema", {
      cause,
    });
  }
}

/** The ids of all documents that are not deleted, in a stable order. */
export async function listDocumentIds(sql: SqlOrTransaction): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from documents where deleted_at is null order by created_at, id`;
  return rows.map((row) => row.id);
}
