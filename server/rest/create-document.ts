import type { Commands } from "../../extensions/commands.ts";
import type { BuiltUpdate } from "../../persistence/built-update.ts";
import { freeSlug, takeFromDeleted } from "../../persistence/document-slugs.ts";
import { createDocument } from "../../persistence/documents.ts";
import { requireFeature } from "../../persistence/read-document.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";
import type { documentRoutes } from "../../schema/api/documents.ts";
import { slugFrom } from "../../schema/slug.ts";
import { authorOf } from "./author.ts";
import type { Call } from "./serve.ts";

/** What a document is made with. */
export type CreationDoors = {
  readonly commands: Commands;
  /** For what somebody waits for. */
  readonly thread: Pick<UpkeepThread, "edit">;
};

type Creation = Call<(typeof documentRoutes)["createDocument"]>;

/** Makes a document and its first content in the transaction of the call. Answers its id. */
export async function createFromCall(
  { commands }: Pick<CreationDoors, "commands">,
  { sql, params, body, principal, by, afterCommit }: Creation,
  update: BuiltUpdate | null,
): Promise<string> {
  const { title, type, featureId = null, sortOrder } = body;
  const where = { ...params, type };
  if (featureId !== null) await requireFeature(sql, params.projectId, featureId);
  if (body.slug !== undefined) await takeFromDeleted(sql, where, body.slug);
  const slug = body.slug ?? (await freeSlug(sql, where, slugBase(title)));
  const empty = { content: null, diagramSource: null };
  const made = {
    ...where,
    ...empty,
    title,
    slug,
    featureId,
    sortOrder,
    createdBy: principal.userId,
  };
  const documentId = await createDocument(sql, made, by);
  if (update !== null) {
    const address = { documentId, part: "content" } as const;
    const command = { address, author: authorOf(principal), build: async () => update };
    await commands.perform({ tx: sql, afterCommit }, command);
  }
  return documentId;
}

/** The first content, made before the transaction begins. Null: there is none. */
export async function firstUpdate(
  thread: CreationDoors["thread"],
  { body, bodyText }: Pick<Creation, "body" | "bodyText">,
): Promise<BuiltUpdate | null> {
  const { content, markdown, diagram = null } = body;
  if (content === undefined && markdown === undefined && diagram === null) return null;
  const text =
    markdown === undefined
      ? ({ form: "json", text: bodyText } as const)
      : ({ form: "markdown", text: markdown } as const);
  const isWritten = content !== undefined || markdown !== undefined;
  const given = isWritten ? text : null;
  return thread.edit({ documentId: "", isNew: true, content: given, diagram });
}

/** Leaves room for the number that makes it unique. */
const slugBase = (title: string): string => slugFrom(title, 80) ?? "document";
