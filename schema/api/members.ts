import { z } from "zod";
import { ORGANIZATION_ROLES } from "../closed-sets.ts";
import { Email, Id, Moment, NextCursor, PageQuery } from "./common.ts";
import { route } from "./contract.ts";

const InOrganization = z.object({ organizationId: Id });
const OneMember = z.object({ organizationId: Id, userId: Id });

const MemberRole = z
  .enum(ORGANIZATION_ROLES)
  .describe("A member reads every project of the organization, an admin owns them all");

/** A person's place in an organization. */
export const Member = z
  .object({
    userId: Id,
    email: z.string(),
    name: z.string(),
    role: MemberRole,
    createdAt: Moment.describe("since when he is a member"),
  })
  .meta({ id: "Member" });

const managing = {
  who: "right",
  right: "manage",
  at: "organization",
  in: "organizationId",
} as const;

/** The routes about who belongs to an organization. */
export const memberRoutes = {
  listMembers: route({
    method: "get",
    path: "/organizations/{organizationId}/members",
    tag: "Organizations",
    summary: "The members of an organization, by name",
    access: { who: "right", right: "read", at: "organization", in: "organizationId" },
    params: InOrganization,
    query: PageQuery,
    answer: {
      status: 200,
      body: z.object({ members: z.array(Member), nextCursor: NextCursor }),
    },
  }),
  addMember: route({
    method: "post",
    path: "/organizations/{organizationId}/members",
    tag: "Organizations",
    summary: "Make a user a member",
    description:
      "He is found by his e-mail address and must be known here: 404 for one who is not, 409 for one who is a " +
      "member already.",
    access: managing,
    params: InOrganization,
    body: z.strictObject({ email: Email, role: MemberRole.default("member") }),
    idempotent: true,
    etag: true,
    example: { email: "ada@example.com", role: "member" },
    answer: { status: 201, body: Member },
    errors: ["conflict"],
  }),
  getMember: route({
    method: "get",
    path: "/organizations/{organizationId}/members/{userId}",
    tag: "Organizations",
    summary: "One member",
    access: { who: "right", right: "read", at: "organization", in: "organizationId" },
    params: OneMember,
    etag: true,
    answer: { status: 200, body: Member },
  }),
  updateMember: route({
    method: "patch",
    path: "/organizations/{organizationId}/members/{userId}",
    tag: "Organizations",
    summary: "Change what a member is",
    description: "409 where it would leave the organization without an admin.",
    access: managing,
    params: OneMember,
    body: z.strictObject({ role: MemberRole }),
    etag: true,
    ifMatch: "optional",
    example: { role: "admin" },
    answer: { status: 200, body: Member },
    errors: ["conflict"],
  }),
  removeMember: route({
    method: "delete",
    path: "/organizations/{organizationId}/members/{userId}",
    tag: "Organizations",
    summary: "Remove a member",
    description:
      "His roles in the organization's projects end as well. 409 for the last admin; whoever wants to go himself " +
      "calls `leaveOrganization`.",
    access: managing,
    params: OneMember,
    ifMatch: "optional",
    answer: { status: 204 },
    errors: ["conflict"],
  }),
  leaveOrganization: route({
    method: "delete",
    path: "/organizations/{organizationId}/membership",
    tag: "Organizations",
    summary: "Leave an organization",
    description:
      "The caller is no member any more, and his roles in the organization's projects end. 409 for the last admin, " +
      "404 for one whom only his token brought here.",
    access: { who: "right", right: "read", at: "organization", in: "organizationId", person: true },
    params: InOrganization,
    answer: { status: 204 },
    errors: ["conflict"],
  }),
} as const;
