import type { z } from "zod";
import {
  changeCollaborator,
  collaboratorPage,
  insertCollaborator,
  isOfTheSameOrganization,
  readCollaborator,
  removeCollaborator,
  type StoredCollaborator,
} from "../../persistence/collaborators.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import type { Collaborator } from "../../schema/api/collaborators.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import { etagOf } from "./etag.ts";
import { findInvited } from "./find-invited.ts";
import { cut, pageOf } from "./page.ts";
import type { Handlers, Shown } from "./serve.ts";

const shown = ({
  id: userId,
  ...collaborator
}: StoredCollaborator): Shown<z.output<typeof Collaborator>> => {
  const { email, name, role, isMember, createdAt } = collaborator;
  return { userId, email, name, role, isMember, createdAt };
};

/** Whom a request means. An id of another tenant is one that does not exist [A1]. */
async function findAdded(
  sql: SqlOrTransaction,
  projectId: string,
  { email, userId }: { email?: string | undefined; userId?: string | undefined },
): Promise<string> {
  if (email !== undefined) return findInvited(sql, email);
  if (userId !== undefined && (await isOfTheSameOrganization(sql, { projectId, userId }))) {
    return userId;
  }
  throw new ScriptoriumError("not_found", "There is no such user in this organization");
}

/** The routes of `schema/api/collaborators.ts`. */
export const collaboratorHandlers = {
  async listCollaborators({ sql, params, query }) {
    const page = pageOf("name", query);
    const found = await collaboratorPage(sql, params.projectId, page);
    const { rows, nextCursor } = cut("name", page, found);
    return { body: { collaborators: rows.map(shown), nextCursor } };
  },

  async addCollaborator({ sql, by, params, principal, body, rightsChanged }) {
    const { projectId } = params;
    const userId = await findAdded(sql, projectId, body);
    const invitedBy = principal.userId;
    await insertCollaborator(sql, { projectId, userId, role: body.role, invitedBy }, by);
    rightsChanged({ projectId, userId });
    const added = shown(await readCollaborator(sql, { projectId, userId }));
    const location = `/projects/${projectId}/collaborators/${userId}`;
    return { body: added, etag: etagOf(added), location };
  },

  async getCollaborator({ sql, params }) {
    const body = shown(await readCollaborator(sql, params));
    return { body, etag: etagOf(body) };
  },

  async updateCollaborator({ sql, by, params, body, mustMatch, rightsChanged }) {
    mustMatch(etagOf(shown(await readCollaborator(sql, params, { forUpdate: true }))));
    await changeCollaborator(sql, { ...params, role: body.role }, by);
    rightsChanged(params);
    const after = shown(await readCollaborator(sql, params));
    return { body: after, etag: etagOf(after) };
  },

  async removeCollaborator({ sql, by, params, mustMatch, rightsChanged }) {
    mustMatch(etagOf(shown(await readCollaborator(sql, params, { forUpdate: true }))));
    await removeCollaborator(sql, params, by);
    rightsChanged(params);
    return {};
  },

  async leaveProject({ sql, by, params, principal, rightsChanged }) {
    const collaboration = { ...params, userId: principal.userId };
    await readCollaborator(sql, collaboration, { forUpdate: true });
    await removeCollaborator(sql, collaboration, by);
    rightsChanged(collaboration);
    return {};
  },
} satisfies Handlers;
