import { z } from "zod";
import { Flag, Id, Moment, Name, NextCursor, PageQuery, Prose, RightName, Slug } from "./common.ts";
import { route } from "./contract.ts";

const InProject = z.object({ projectId: Id });

/** What documents belong to, inside an organization. */
export const Project = z
  .object({
    id: Id,
    organizationId: Id,
    name: z.string(),
    slug: z.string(),
    description: z.string().nullable(),
    archivedAt: Moment.nullable(),
    rights: z.array(RightName).describe("what the caller may do here"),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: "Project" });

/** The routes about projects; who takes part in one is in `collaborators.ts`. */
export const projectRoutes = {
  listProjects: route({
    method: "get",
    path: "/projects",
    tag: "Projects",
    summary: "The projects that the caller may see, by name",
    description:
      "Those of the organizations that he is a member of, and those that he was given a role in. Archived ones are a " +
      "list of their own.",
    access: { who: "signed-in" },
    query: PageQuery.extend({
      organizationId: Id.optional().describe("only those of this organization"),
      archived: Flag.describe("`true`: the archived ones; else those that are not"),
    }),
    answer: {
      status: 200,
      body: z.object({ projects: z.array(Project), nextCursor: NextCursor }),
    },
  }),
  createProject: route({
    method: "post",
    path: "/organizations/{organizationId}/projects",
    tag: "Projects",
    summary: "Make a project",
    access: { who: "right", right: "manage", at: "organization", in: "organizationId" },
    params: z.object({ organizationId: Id }),
    body: z.strictObject({ name: Name, slug: Slug, description: Prose.nullable().default(null) }),
    idempotent: true,
    etag: true,
    example: { name: "Analytical engine", slug: "analytical-engine" },
    answer: { status: 201, body: Project },
    errors: ["conflict"],
  }),
  getProject: route({
    method: "get",
    path: "/projects/{projectId}",
    tag: "Projects",
    summary: "One project",
    access: { who: "right", right: "read", at: "project", in: "projectId" },
    params: InProject,
    etag: true,
    answer: { status: 200, body: Project },
  }),
  updateProject: route({
    method: "patch",
    path: "/projects/{projectId}",
    tag: "Projects",
    summary: "Rename, describe or archive a project",
    description:
      "`archived` takes it out of the list, or back into it; its documents can be opened as before. A project is " +
      "never deleted.",
    access: { who: "right", right: "manage", at: "project", in: "projectId" },
    params: InProject,
    body: z
      .strictObject({
        name: Name,
        slug: Slug,
        description: Prose.nullable(),
        archived: z.boolean(),
      })
      .partial(),
    etag: true,
    ifMatch: "optional",
    example: { description: "What it computes, and how" },
    answer: { status: 200, body: Project },
    errors: ["conflict"],
  }),
} as const;
