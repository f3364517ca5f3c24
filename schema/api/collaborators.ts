import { z } from "zod";
import { Email, Id, Moment, NextCursor, PageQuery, RoleName } from "./common.ts";
import { route } from "./contract.ts";

const InProject = z.object({ projectId: Id });
const OneCollaborator = z.object({ projectId: Id, userId: Id });

/** A person's role in one project, beside what the organization makes of him; the higher of both counts. */
export const Collaborator = z
  .object({
    userId: Id,
    email: z.string(),
    name: z.string(),
    role: RoleName,
    isMember: z.boolean().describe("a member of the organization; a guest otherwise"),
    createdAt: Moment.describe("when he was first added"),
  })
  .meta({ id: "Collaborator" });

const managing = { who: "right", right: "manage", at: "project", in: "projectId" } as const;

/** The routes about who takes part in a project. */
export const collaboratorRoutes = {
  listCollaborators: route({
    method: "get",
    path: "/projects/{projectId}/collaborators",
    tag: "Projects",
    summary: "Who was given a role in a project, by name",
    description:
      "The organization's members may read every project of it; they are not in this list.",
    access: managing,
    params: InProject,
    query: PageQuery,
    answer: {
      status: 200,
      body: z.object({ collaborators: z.array(Collaborator), nextCursor: NextCursor }),
    },
  }),
  addCollaborator: route({
    method: "post",
    path: "/projects/{projectId}/collaborators",
    tag: "Projects",
    summary: "Give a user a role in a project",
    description:
      "Whoever is known here is found by his e-mail address; by `userId` only somebody of the same organization, a " +
      "member or a guest. One of the two is given. 404 for one who is not found, 409 for one who has a role already.",
    access: managing,
    params: InProject,
    body: z
      .strictObject({ email: Email.optional(), userId: Id.optional(), role: RoleName })
      .refine(
        ({ email, userId }) => (email === undefined) !== (userId === undefined),
        "needs email or userId, and not both",
      ),
    idempotent: true,
    etag: true,
    example: { email: "ada@example.com", role: "editor" },
    answer: { status: 201, body: Collaborator },
    errors: ["conflict"],
  }),
  getCollaborator: route({
    method: "get",
    path: "/projects/{projectId}/collaborators/{userId}",
    tag: "Projects",
    summary: "One collaborator",
    access: managing,
    params: OneCollaborator,
    etag: true,
    answer: { status: 200, body: Collaborator },
  }),
  updateCollaborator: route({
    method: "patch",
    path: "/projects/{projectId}/collaborators/{userId}",
    tag: "Projects",
    summary: "Change the role of a collaborator",
    access: managing,
    params: OneCollaborator,
    body: z.strictObject({ role: RoleName }),
    etag: true,
    ifMatch: "optional",
    example: { role: "reviewer" },
    answer: { status: 200, body: Collaborator },
  }),
  removeCollaborator: route({
    method: "delete",
    path: "/projects/{projectId}/collaborators/{userId}",
    tag: "Projects",
    summary: "Take a collaborator's role away",
    description: "A member of the organization still may do what members may.",
    access: managing,
    params: OneCollaborator,
    ifMatch: "optional",
    answer: { status: 204 },
  }),
  leaveProject: route({
    method: "delete",
    path: "/projects/{projectId}/collaboration",
    tag: "Projects",
    summary: "Give up one's own role in a project",
    description: "404 for one who was given none, but reads it as a member of the organization.",
    access: { who: "right", right: "read", at: "project", in: "projectId", person: true },
    params: InProject,
    answer: { status: 204 },
  }),
} as const;
