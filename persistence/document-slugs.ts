import type { DocumentType } from "../schema/closed-sets.ts";
import type { SqlOrTransaction } from "./database.ts";

/** What a slug is unique in. */
export type SlugPlace = { readonly projectId: string; readonly type: DocumentType };

/**
 * The first free slug of `base`, `base-2`, `base-3`, …; those of deleted documents are left to them.
 * Nobody else can choose one in this project before the transaction ends.
 */
export async function freeSlug(
  tx: SqlOrTransaction,
  place: SlugPlace,
  base: string,
): Promise<string> {
  const { projectId, type } = place;
  await lockSlugs(tx, place);
  const rows = await tx<{ slug: string }[]>`
    select slug from documents
    where project_id = ${projectId} and type = ${type} and (slug = ${base} or slug like ${`${base}-%`})`;
  const taken = new Set(rows.map(({ slug }) => slug));
  if (!taken.has(base)) return base;
  let number = 2;
  while (taken.has(`${base}-${number}`)) number += 1;
  return `${base}-${number}`;
}

/**
 * Takes a slug away from a deleted document, which gets one with its id instead: whoever deleted a document expects
 * its name to be free. It can still be restored.
 */
export async function takeFromDeleted(
  tx: SqlOrTransaction,
  place: SlugPlace,
  slug: string,
): Promise<void> {
  const { projectId, type } = place;
  await lockSlugs(tx, place);
  await tx`
    update documents set slug = rtrim(left(slug, 60), '-') || '-' || id::text
    where project_id = ${projectId} and type = ${type} and slug = ${slug} and deleted_at is not null`;
}

/** Two documents of one title that are made at the same time get two slugs, and neither is refused. */
const lockSlugs = async (tx: SqlOrTransaction, { projectId }: SlugPlace): Promise<void> => {
  await tx`select 1 from projects where id = ${projectId} for no key update`;
};
