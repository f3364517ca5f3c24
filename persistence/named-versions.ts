import * as Y from "yjs";
import type { VersionKind } from "../schema/closed-sets.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { yDocDiagram, yDocToContent } from "../schema/yjs-content.ts";
import { note, type Actor } from "./activities.ts";
import { lockHead } from "./content-state.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb, withoutNul } from "./jsonb.ts";
import { loadToWrite } from "./load-committed.ts";
import type { Page, Paged } from "./page.ts";
import { encodeSnapshot } from "./snapshot-encoding.ts";
import { versionOf, type CapturedVersion } from "./versions.ts";

/** A version as a list shows it. */
export type VersionRow = {
  readonly number: number;
  readonly kind: VersionKind;
  readonly name: string | null;
  readonly seq: number;
  readonly createdAt: Date;
  readonly createdBy: string | null;
};

const columns = (sql: SqlOrTransaction) => sql`
  version_number as number, kind, name, seq::float8 as seq, created_at as "createdAt", created_by as "createdBy"`;

/** A page of a document's versions, the newest first. */
export async function versionPage(
  sql: SqlOrTransaction,
  documentId: string,
  { limit, after }: Page,
): Promise<Paged<VersionRow>[]> {
  const before = after === null ? null : readNumber(after.value);
  return sql`
    select ${columns(sql)}, id, version_number::text as "sortKey" from document_versions
    where document_id = ${documentId} and (${before}::bigint is null or version_number < ${before}::bigint)
    order by version_number desc limit ${limit}`;
}

function readNumber(value: string): number {
  if (/^\d{1,10}$/u.test(value)) return Number(value);
  throw new ScriptoriumError("bad_request", "The cursor is not one of this list in this order");
}

/** A version without its content. @throws ScriptoriumError `not_found`. */
export async function readVersionRow(
  sql: SqlOrTransaction,
  documentId: string,
  number: number,
): Promise<VersionRow> {
  const [row] = await sql<VersionRow[]>`
    select ${columns(sql)} from document_versions
    where document_id = ${documentId} and version_number = ${number}`;
  if (row === undefined) throw new ScriptoriumError("not_found", "There is no such version");
  return row;
}

/**
 * The committed state of a document as a version holds it.
 * @throws ScriptoriumError `document_not_found`, `document_quarantined`.
 */
export async function captureVersion(
  sql: SqlOrTransaction,
  documentId: string,
): Promise<CapturedVersion> {
  const doc = new Y.Doc({ gc: true });
  try {
    const { seq } = await loadToWrite(sql, { documentId, part: "content" }, doc);
    const [content, diagramSource] = [yDocToContent(doc), yDocDiagram(doc)];
    return { documentId, seq, state: encodeSnapshot(doc), content, diagramSource };
  } finally {
    doc.destroy();
  }
}

/** Keeps what was captured under a name. */
export async function nameVersion(
  tx: SqlOrTransaction,
  captured: CapturedVersion,
  { name, createdBy }: { name: string; createdBy: string },
  by: Actor,
): Promise<VersionRow> {
  const { documentId, seq, state, content, diagramSource } = captured;
  // The lock under which a compaction gives out its number too.
  await lockHead(tx, { documentId, part: "content" });
  const [row] = await tx<VersionRow[]>`
    with made as (
    insert into document_versions (document_id, version_number, content, diagram_source, seq, state, encoding, kind,
                                   name, created_by)
    select ${documentId}, coalesce(max(version_number), 0) + 1, ${toJsonb(content)}::text::jsonb,
           ${diagramSource === null ? null : withoutNul(diagramSource)}, ${seq}, ${state}, 'v2+zstd', 'named', ${name},
           ${createdBy}
    from document_versions where document_id = ${documentId}
    returning *
    ), changed as (${versionOf(tx)}
    ), noted as (${note(tx, by, { entity: "document", action: "version_created" })})
    select ${columns(tx)} from made`;
  if (row === undefined) throw new ScriptoriumError("internal", "No version was inserted");
  return row;
}
