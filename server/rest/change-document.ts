import type { DocumentChange } from "../../persistence/change-document.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import { freeSlug, takeFromDeleted } from "../../persistence/document-slugs.ts";
import { requireFeature, type DocumentRow } from "../../persistence/read-document.ts";
import type { Principal } from "../../schema/principal.ts";
import type { Right } from "../../schema/roles.ts";
import { placeNamed } from "./place-within.ts";
import { FaultyRequest } from "./problem.ts";

/** The change, with a slug and a feature that fit where the document will be. */
export async function completeChange(
  sql: SqlOrTransaction,
  before: DocumentRow,
  change: DocumentChange,
): Promise<DocumentChange> {
  const projectId = change.projectId ?? before.projectId;
  const isMoved = projectId !== before.projectId;
  const where = { projectId, type: before.type };
  const featureId = change.featureId ?? (isMoved ? null : change.featureId);
  if (typeof featureId === "string") await requireFeature(sql, projectId, featureId);
  if (change.slug !== undefined && (isMoved || change.slug !== before.slug)) {
    await takeFromDeleted(sql, where, change.slug);
  }
  const slug =
    change.slug ?? (isMoved ? await freeSlug(sql, where, before.slug.slice(0, 80)) : undefined);
  return { ...change, featureId, slug };
}

/** The rights in the project that a document moves to. @throws ScriptoriumError where it cannot be moved. */
export async function rightsAtTarget(
  sql: SqlOrTransaction,
  principal: Principal,
  before: DocumentRow,
  projectId: string,
): Promise<readonly Right[]> {
  const named = { kind: "project", id: projectId, right: "edit" } as const;
  const place = await placeNamed({ sql, principal }, named);
  if (place.organizationId === before.organizationId) return place.rights;
  throw new FaultyRequest([
    { at: "body.projectId", message: "is a project of another organization" },
  ]);
}
