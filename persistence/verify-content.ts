import type { JSONContent } from "@tiptap/core";
import * as Y from "yjs";
import { plainText } from "../schema/content.ts";
import type { SnapshotEncoding } from "../schema/tables/encodings.ts";
import { yDocDiagram, yDocToContent } from "../schema/yjs-content.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb, withoutNul } from "./jsonb.ts";
import { hasPending } from "./load-document.ts";
import { applySnapshot } from "./snapshot-encoding.ts";
import { reasonOf, type Head, type Problem } from "./verify-log.ts";

/** The columns that follow the document say what the log says, once they have caught up with it [P1]. */
export async function checkProjection(
  tx: SqlOrTransaction,
  head: Head,
  doc: Y.Doc,
): Promise<Problem[]> {
  if (head.projectedSeq < head.headSeq || head.headSeq === 0) return [];
  const [row] = await tx<{ content: unknown; text: string | null; diagram: string | null }[]>`
    select content, content_text as text, diagram_source as diagram
    from documents where id = ${head.documentId}`;
  const content = yDocToContent(doc);
  const diagram = yDocDiagram(doc);
  const at = firstDifference(storedForm(content), row?.content ?? null);
  const reasons = [
    at === null ? null : `documents.content is not what the log says, first at ${at}`,
    row?.text === withoutNul(plainText(content))
      ? null
      : "documents.content_text is not what the log says",
    row?.diagram === (diagram === null ? null : withoutNul(diagram))
      ? null
      : "documents.diagram_source is not what the log says",
  ];
  return reasons
    .filter((reason) => reason !== null)
    .map((reason) => ({ check: "projection", seq: head.projectedSeq, reason }));
}

type VersionRow = {
  number: number;
  seq: number;
  content: unknown;
  diagram: string | null;
  state: Uint8Array | null;
  encoding: SnapshotEncoding | null;
};

/** Every version that has a state gives exactly the JSON it captured [V2]. */
export async function checkVersions(
  tx: SqlOrTransaction,
  { documentId, headSeq }: Head,
): Promise<{ versions: number; problems: Problem[] }> {
  const problems: Problem[] = [];
  let versions = 0;
  const rows = tx<VersionRow[]>`
    select version_number as number, seq::float8, content, diagram_source as diagram, state, encoding
    from document_versions where document_id = ${documentId} order by version_number`;
  for await (const batch of rows.cursor(1)) {
    for (const version of batch) {
      versions += 1;
      const reason =
        version.seq > headSeq ? `lies beyond the head, seq ${headSeq}` : checkVersion(version);
      if (reason === null) continue;
      problems.push({
        check: "versions",
        seq: version.seq,
        reason: `version ${version.number} ${reason}`,
      });
    }
  }
  return { versions, problems };
}

function checkVersion({ state, encoding, content, diagram }: VersionRow): string | null {
  if (state === null || encoding === null) return null;
  const doc = new Y.Doc({ gc: true });
  try {
    applySnapshot(doc, state, encoding, null);
    if (hasPending(doc)) return "is not whole: an update waits for one that is missing";
    const at = firstDifference(storedForm(yDocToContent(doc)), content);
    if (at !== null) return `gives other content than it captured, first at ${at}`;
    return yDocDiagram(doc) === diagram ? null : "gives another diagram than it captured";
  } catch (error) {
    return `cannot be read: ${reasonOf(error)}`;
  } finally {
    doc.destroy();
  }
}

/** Content as it comes back from a jsonb column. */
const storedForm = (content: JSONContent): unknown => JSON.parse(toJsonb(content)) as unknown;

/** The place where two JSON values part, such as `doc.content[3].text`; null when they are equal. Order of keys is nothing. */
function firstDifference(one: unknown, other: unknown, path = "doc"): string | null {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
    return one === other ? null : path;
  }
  if (Array.isArray(one) !== Array.isArray(other)) return path;
  const left = new Map(Object.entries(one));
  const right = new Map(Object.entries(other));
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    const inside = Array.isArray(one) ? `${path}[${key}]` : `${path}.${key}`;
    const differs = firstDifference(left.get(key), right.get(key), inside);
    if (differs !== null) return differs;
  }
  return null;
}
