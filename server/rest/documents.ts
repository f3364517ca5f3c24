import type { z } from "zod";
import { changeDocument, restoreDocument } from "../../persistence/change-document.ts";
import { documentPage } from "../../persistence/document-page.ts";
import { deleteDocument } from "../../persistence/list-documents.ts";
import { readDocument, type DocumentRow } from "../../persistence/read-document.ts";
import type { Document } from "../../schema/api/documents.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import type { Right } from "../../schema/roles.ts";
import { completeChange, rightsAtTarget } from "./change-document.ts";
import { createFromCall, firstUpdate, type CreationDoors } from "./create-document.ts";
import { etagOf } from "./etag.ts";
import { jsonPage, pageOf } from "./page.ts";
import type { Handlers, Shown } from "./serve.ts";

const shown = (row: DocumentRow, rights: readonly Right[]): Shown<z.output<typeof Document>> => ({
  ...row,
  rights,
});

/** The routes of `schema/api/documents.ts`. */
export const documentHandlers = (doors: CreationDoors) =>
  ({
    ...readingHandlers,
    ...changingHandlers,

    createDocument: {
      async prepare(given) {
        const update = await firstUpdate(doors.thread, given);
        return async (call) => {
          const documentId = await createFromCall(doors, call, update);
          const row = await readDocument(call.sql, documentId);
          return { body: shown(row, call.place.rights), location: `/documents/${documentId}` };
        };
      },
    },
  }) satisfies Handlers;

const readingHandlers = {
  async listDocuments({ sql, params, place, query }) {
    const { type = null, featureId = null, q = null, order } = query;
    const isDeleted = query.deleted === "true";
    if (isDeleted && !place.rights.includes("edit")) {
      throw new ScriptoriumError("forbidden", "Deleted documents take the right to edit here");
    }
    const page = pageOf(order, query);
    const filter = { ...params, type, featureId, isDeleted, titlePrefix: q };
    const { rights } = place;
    return jsonPage("documents", order, await documentPage(sql, { filter, order, rights }, page));
  },

  async getDocument({ sql, params, place }) {
    const body = shown(await readDocument(sql, params.documentId), place.rights);
    return { body, etag: etagOf(body) };
  },
} satisfies Handlers;

const changingHandlers = {
  async updateDocument({ sql, params, place, body, principal, by, mustMatch, rightsChanged }) {
    const { documentId } = params;
    const before = await readDocument(sql, documentId, { forUpdate: true });
    mustMatch(etagOf(shown(before, place.rights)));
    const target = body.projectId ?? before.projectId;
    const isMoved = target !== before.projectId;
    const rights = isMoved ? await rightsAtTarget(sql, principal, before, target) : place.rights;
    await changeDocument(sql, documentId, await completeChange(sql, before, body), by);
    if (isMoved) rightsChanged({ documentId });
    const after = shown(await readDocument(sql, documentId), rights);
    return { body: after, etag: etagOf(after) };
  },

  async deleteDocument({ sql, params, place, by, mustMatch, rightsChanged }) {
    const { documentId } = params;
    const before = await readDocument(sql, documentId, { forUpdate: true });
    mustMatch(etagOf(shown(before, place.rights)));
    await deleteDocument(sql, documentId, by);
    rightsChanged({ documentId });
    return {};
  },

  async restoreDocument({ sql, params, place, by }) {
    await restoreDocument(sql, params.documentId, by);
    return { body: shown(await readDocument(sql, params.documentId), place.rights) };
  },
} satisfies Handlers;
