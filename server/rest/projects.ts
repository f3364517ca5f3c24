import type { z } from "zod";
import { placeFor, reachOf } from "../../extensions/rights.ts";
import { roleOf } from "../../persistence/access.ts";
import { createProject } from "../../persistence/accounts.ts";
import {
  changeProject,
  projectPage,
  readProject,
  type StoredProject,
} from "../../persistence/projects.ts";
import type { Project } from "../../schema/api/projects.ts";
import type { Right } from "../../schema/roles.ts";
import { etagOf } from "./etag.ts";
import { cut, pageOf } from "./page.ts";
import type { Handlers, Shown } from "./serve.ts";

const shown = (
  project: StoredProject,
  rights: readonly Right[],
): Shown<z.output<typeof Project>> => {
  const { id, organizationId, name, slug, description, archivedAt, createdAt, updatedAt } = project;
  return { id, organizationId, name, slug, description, archivedAt, rights, createdAt, updatedAt };
};

/** The routes of `schema/api/projects.ts`. */
export const projectHandlers = {
  async listProjects({ sql, principal, query }) {
    // A cursor of the one list is none of the other.
    const order = `name:${query.archived}`;
    const page = pageOf(order, query);
    const filter = {
      organizationId: query.organizationId ?? null,
      isArchived: query.archived === "true",
    };
    const found = await projectPage(sql, reachOf(principal), filter, page);
    const { rows, nextCursor } = cut(order, page, found);
    const projects = rows.flatMap((row) => {
      const { id: projectId, organizationId } = row;
      const place = placeFor(principal, { organizationId, projectId, role: roleOf(row) });
      return place?.rights.includes("read") === true ? [shown(row, place.rights)] : [];
    });
    return { body: { projects, nextCursor } };
  },

  async createProject({ sql, params, place, body }) {
    const { name, slug, description } = body;
    const { organizationId } = params;
    const projectId = await createProject(sql, { organizationId, name, slug });
    await changeProject(sql, projectId, { description });
    const made = shown(await readProject(sql, projectId), place.rights);
    return { body: made, etag: etagOf(made), location: `/projects/${projectId}` };
  },

  async getProject({ sql, params, place }) {
    const body = shown(await readProject(sql, params.projectId), place.rights);
    return { body, etag: etagOf(body) };
  },

  async updateProject({ sql, params, place, body, mustMatch }) {
    const { projectId } = params;
    const before = await readProject(sql, projectId, { forUpdate: true });
    mustMatch(etagOf(shown(before, place.rights)));
    await changeProject(sql, projectId, body);
    const after = shown(await readProject(sql, projectId), place.rights);
    return { body: after, etag: etagOf(after) };
  },
} satisfies Handlers;
