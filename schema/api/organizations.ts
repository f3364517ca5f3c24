import { z } from "zod";
import { Id, Moment, Name, NextCursor, PageQuery, RightName, Slug } from "./common.ts";
import { route } from "./contract.ts";

const InOrganization = z.object({ organizationId: Id });

/** A tenant: everything below it is invisible to all others. */
export const Organization = z
  .object({
    id: Id,
    name: z.string(),
    slug: z.string(),
    rights: z.array(RightName).describe("what the caller may do here"),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: "Organization" });

/** The routes about organizations; who belongs to one is in `members.ts`. */
export const organizationRoutes = {
  listOrganizations: route({
    method: "get",
    path: "/organizations",
    tag: "Organizations",
    summary: "The organizations that the caller is a member of, by name",
    access: { who: "signed-in" },
    query: PageQuery,
    answer: {
      status: 200,
      body: z.object({ organizations: z.array(Organization), nextCursor: NextCursor }),
    },
  }),
  createOrganization: route({
    method: "post",
    path: "/organizations",
    tag: "Organizations",
    summary: "Make an organization; its maker is its admin",
    description: "Refused for a token of the host application that reaches one organization only.",
    access: { who: "person" },
    body: z.strictObject({ name: Name, slug: Slug }),
    idempotent: true,
    example: { name: "Ada & Co", slug: "ada-co" },
    answer: { status: 201, body: Organization },
    errors: ["conflict"],
  }),
  getOrganization: route({
    method: "get",
    path: "/organizations/{organizationId}",
    tag: "Organizations",
    summary: "One organization",
    access: { who: "right", right: "read", at: "organization", in: "organizationId" },
    params: InOrganization,
    etag: true,
    answer: { status: 200, body: Organization },
  }),
  updateOrganization: route({
    method: "patch",
    path: "/organizations/{organizationId}",
    tag: "Organizations",
    summary: "Rename an organization",
    access: { who: "right", right: "manage", at: "organization", in: "organizationId" },
    params: InOrganization,
    body: z.strictObject({ name: Name, slug: Slug }).partial(),
    etag: true,
    ifMatch: "optional",
    example: { name: "Ada and Company" },
    answer: { status: 200, body: Organization },
    errors: ["conflict"],
  }),
  deleteOrganization: route({
    method: "delete",
    path: "/organizations/{organizationId}",
    tag: "Organizations",
    summary: "Delete an organization",
    description:
      "Everything below it is gone for everybody at once. The rows stay in the database; the slug is free again.",
    access: {
      who: "right",
      right: "manage",
      at: "organization",
      in: "organizationId",
      person: true,
    },
    params: InOrganization,
    ifMatch: "optional",
    answer: { status: 204 },
  }),
} as const;
