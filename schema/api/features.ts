import { z } from "zod";
import { Id, Moment, Name, NextCursor, PageQuery, Slug } from "./common.ts";
import { route } from "./contract.ts";

const InProject = z.object({ projectId: Id });
const OneFeature = z.object({ featureId: Id });

/** PostgreSQL's `integer`. */
const SortOrder = z
  .int()
  .min(-2_147_483_648)
  .max(2_147_483_647)
  .describe("lower comes first; equal ones by name");

/** A topic of a project; features are a tree. */
export const Feature = z
  .object({
    id: Id,
    projectId: Id,
    parentId: Id.nullable().describe("null at the top of the tree"),
    name: z.string(),
    slug: z.string(),
    sortOrder: z.int(),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: "Feature" });

/** The routes about the tree of features. */
export const featureRoutes = {
  listFeatures: route({
    method: "get",
    path: "/projects/{projectId}/features",
    tag: "Features",
    summary: "The features of a project, by sort order and name",
    description: "All levels in one flat list; `parentId` makes the tree of it.",
    access: { who: "right", right: "read", at: "project", in: "projectId" },
    params: InProject,
    query: PageQuery,
    answer: {
      status: 200,
      body: z.object({ features: z.array(Feature), nextCursor: NextCursor }),
    },
  }),
  createFeature: route({
    method: "post",
    path: "/projects/{projectId}/features",
    tag: "Features",
    summary: "Make a feature",
    description: "404 for a parent that is not of this project.",
    access: { who: "right", right: "edit", at: "project", in: "projectId" },
    params: InProject,
    body: z.strictObject({
      name: Name,
      slug: Slug,
      parentId: Id.nullable().default(null),
      sortOrder: SortOrder.default(0),
    }),
    idempotent: true,
    etag: true,
    example: { name: "Punched cards", slug: "punched-cards" },
    answer: { status: 201, body: Feature },
    errors: ["conflict"],
  }),
  getFeature: route({
    method: "get",
    path: "/features/{featureId}",
    tag: "Features",
    summary: "One feature",
    access: { who: "right", right: "read", at: "feature", in: "featureId" },
    params: OneFeature,
    etag: true,
    answer: { status: 200, body: Feature },
  }),
  updateFeature: route({
    method: "patch",
    path: "/features/{featureId}",
    tag: "Features",
    summary: "Rename, move or order a feature",
    description:
      "It moves with everything below it. 404 for a parent that is not of this project, 409 for one that is the " +
      "feature itself or below it.",
    access: { who: "right", right: "edit", at: "feature", in: "featureId" },
    params: OneFeature,
    body: z
      .strictObject({ name: Name, slug: Slug, parentId: Id.nullable(), sortOrder: SortOrder })
      .partial(),
    etag: true,
    ifMatch: "optional",
    example: { sortOrder: 2 },
    answer: { status: 200, body: Feature },
    errors: ["conflict"],
  }),
  deleteFeature: route({
    method: "delete",
    path: "/features/{featureId}",
    tag: "Features",
    summary: "Delete a feature and everything below it",
    description:
      "Their documents live on in the project, with no feature. Their slugs are free again.",
    access: { who: "right", right: "edit", at: "feature", in: "featureId" },
    params: OneFeature,
    ifMatch: "optional",
    answer: { status: 204 },
  }),
} as const;
