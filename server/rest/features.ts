import type { z } from "zod";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import {
  changeFeature,
  featurePage,
  insertFeature,
  lockFeatures,
  readFeature,
  removeFeature,
  type StoredFeature,
} from "../../persistence/features.ts";
import type { Feature } from "../../schema/api/features.ts";
import { etagOf } from "./etag.ts";
import { cut, pageOf } from "./page.ts";
import type { Handlers, Shown } from "./serve.ts";

const shown = (feature: StoredFeature): Shown<z.output<typeof Feature>> => {
  const { id, projectId, parentId, name, slug, sortOrder, createdAt, updatedAt } = feature;
  return { id, projectId, parentId, name, slug, sortOrder, createdAt, updatedAt };
};

/** The feature as it is once nobody else can change the tree. It never changes its project. */
async function lockedFeature(sql: SqlOrTransaction, id: string): Promise<StoredFeature> {
  const { projectId } = await readFeature(sql, id);
  await lockFeatures(sql, projectId);
  return readFeature(sql, id);
}

const ORDER = "sortOrder";

/** The routes of `schema/api/features.ts`. */
export const featureHandlers = {
  async listFeatures({ sql, params, query }) {
    const page = pageOf(ORDER, query);
    const found = await featurePage(sql, params.projectId, page);
    const { rows, nextCursor } = cut(ORDER, page, found);
    return { body: { features: rows.map(shown), nextCursor } };
  },

  async createFeature({ sql, params, body }) {
    await lockFeatures(sql, params.projectId);
    const id = await insertFeature(sql, { ...body, projectId: params.projectId });
    const made = shown(await readFeature(sql, id));
    return { body: made, etag: etagOf(made), location: `/features/${id}` };
  },

  async getFeature({ sql, params }) {
    const body = shown(await readFeature(sql, params.featureId));
    return { body, etag: etagOf(body) };
  },

  async updateFeature({ sql, params, body, mustMatch }) {
    const before = await lockedFeature(sql, params.featureId);
    mustMatch(etagOf(shown(before)));
    await changeFeature(sql, before, body);
    const after = shown(await readFeature(sql, before.id));
    return { body: after, etag: etagOf(after) };
  },

  async deleteFeature({ sql, params, mustMatch }) {
    const before = await lockedFeature(sql, params.featureId);
    mustMatch(etagOf(shown(before)));
    await removeFeature(sql, before.id);
    return {};
  },
} satisfies Handlers;
