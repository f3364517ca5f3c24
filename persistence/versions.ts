import { isDeepStrictEqual } from "node:util";
import type { JSONContent } from "@tiptap/core";
import { note, organizationOf, UPKEEP } from "./activities.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";

/** When a compaction writes a version: always when the content changed, or only if the last is older than this. */
export type VersionPolicy = { readonly minIntervalMs: number };

/** What a version keeps of a document at one log position. */
export type CapturedVersion = {
  readonly documentId: string;
  readonly seq: number;
  /** The snapshot, `v2+zstd`. */
  readonly state: Uint8Array;
  readonly content: JSONContent;
  readonly diagramSource: string | null;
};

type LastVersion = {
  version_number: number;
  content: JSONContent;
  diagram_source: string | null;
  age_ms: number;
};

/**
 * Writes an automatic version when the content changed since the last one and the policy says it is time.
 * The caller holds the row lock of `yjs_documents`, so that numbers are given one after the other.
 * Returns its number, or null when none was due.
 */
export async function recordVersion(
  tx: SqlOrTransaction,
  policy: VersionPolicy,
  captured: CapturedVersion,
): Promise<number | null> {
  const [last] = await tx<LastVersion[]>`
    select version_number, content, diagram_source,
           (extract(epoch from now() - created_at) * 1000)::float8 as age_ms
    from document_versions where document_id = ${captured.documentId}
    order by version_number desc limit 1`;
  const content = toJsonb(captured.content);
  if (last !== undefined) {
    if (last.age_ms < policy.minIntervalMs) return null;
    const unchanged =
      last.diagram_source === captured.diagramSource &&
      isDeepStrictEqual(last.content, JSON.parse(content));
    if (unchanged) return null;
  }
  const number = (last?.version_number ?? 0) + 1;
  await tx`
    with made as (
      insert into document_versions (document_id, version_number, content, diagram_source, seq, state, encoding, kind)
      values (${captured.documentId}, ${number}, ${content}::text::jsonb, ${captured.diagramSource},
              ${captured.seq}, ${captured.state}, 'v2+zstd', 'automatic')
      returning *
    ), changed as (${versionOf(tx)})
    ${note(tx, UPKEEP, { entity: "document", action: "version_created" })}`;
  return number;
}

/** What the activity of a version is made of, from the row of `document_versions` that `made` answers; never its name. */
export const versionOf = (tx: SqlOrTransaction) => tx`
  select v.document_id as entity_id, v.project_id, ${organizationOf(tx)},
         jsonb_build_object('versionNumber', v.version_number, 'seq', v.seq, 'kind', v.kind) as about
  from (select made.*, d.project_id from made join documents d on d.id = made.document_id) as v`;
