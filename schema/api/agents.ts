import { z } from "zod";
import { AGENT_LEVELS, AGENT_STATUSES } from "../closed-sets.ts";
import { Id, Moment, Name, NextCursor, PageQuery } from "./common.ts";
import { route, type PlaceKind } from "./contract.ts";
import type { Right } from "../roles.ts";

const InOrganization = z.object({ organizationId: Id });
const InProject = z.object({ projectId: Id });
const OfAgent = z.object({ agentId: Id });

const AgentStatusName = z
  .enum(AGENT_STATUSES)
  .describe("on probation an agent may only suggest; inactive or terminated its keys are refused");

const AgentCode = z
  .string()
  .regex(/^[a-z0-9-]{1,100}$/u, "lower-case letters, digits and dashes, at most 100")
  .meta({ example: "release-writer" });

const MAX_CAPABILITIES = 100;

const Capabilities = z
  .array(Name)
  .max(MAX_CAPABILITIES)
  .describe("what it is good for, in words of yours; grants nothing");

/** An AI agent with an identity of its own. What it may do stands in its keys. */
export const Agent = z
  .object({
    id: Id,
    organizationId: Id,
    projectId: Id.nullable().describe("null: it belongs to all of the organization"),
    level: z.enum(AGENT_LEVELS),
    agentCode: z.string(),
    name: z.string(),
    roleTitle: z.string(),
    status: AgentStatusName,
    trustScore: z.number().min(0).max(100),
    capabilities: z.array(z.string()),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: "Agent" });

const NewAgent = z.strictObject({
  agentCode: AgentCode.describe("unique in the organization, for good"),
  name: Name.describe("unique in its project, or among the organization's own"),
  roleTitle: Name,
  status: AgentStatusName.default("active"),
  capabilities: Capabilities.default([]),
});

const AgentChange = z
  .strictObject({
    name: Name,
    roleTitle: Name,
    status: AgentStatusName,
    capabilities: Capabilities,
  })
  .partial();

const AgentQuery = PageQuery.extend({ status: AgentStatusName.optional() });

const AgentPage = z.object({ agents: z.array(Agent), nextCursor: NextCursor });

const at = <P extends PlaceKind, R extends Right>(place: P, right: R) =>
  ({ who: "right", right, at: place, in: `${place}Id` }) as const;

/** The routes of agents, of the organization and of its projects. */
export const agentRoutes = {
  listAgents: route({
    method: "get",
    path: "/organizations/{organizationId}/agents",
    tag: "Agents and keys",
    summary: "The agents of an organization and of its projects, by name",
    access: at("organization", "read"),
    params: InOrganization,
    query: AgentQuery.extend({ projectId: Id.optional().describe("only those of this project") }),
    answer: { status: 200, body: AgentPage },
  }),
  listProjectAgents: route({
    method: "get",
    path: "/projects/{projectId}/agents",
    tag: "Agents and keys",
    summary: "The agents of a project, by name",
    access: at("project", "read"),
    params: InProject,
    query: AgentQuery,
    answer: { status: 200, body: AgentPage },
  }),
  createAgent: route({
    method: "post",
    path: "/organizations/{organizationId}/agents",
    tag: "Agents and keys",
    summary: "Make an agent of the organization, or of one of its projects",
    description: "It can do nothing until it has a key.",
    access: at("organization", "manage"),
    params: InOrganization,
    body: NewAgent.extend({
      projectId: Id.optional().describe("makes it an agent of this project"),
    }),
    idempotent: true,
    example: { agentCode: "reader", name: "Reader", roleTitle: "Reads along" },
    answer: { status: 201, body: Agent },
    errors: ["conflict"],
  }),
  createProjectAgent: route({
    method: "post",
    path: "/projects/{projectId}/agents",
    tag: "Agents and keys",
    summary: "Make an agent of a project",
    description: "It can do nothing until it has a key.",
    access: at("project", "manage"),
    params: InProject,
    body: NewAgent,
    idempotent: true,
    example: { agentCode: "reader", name: "Reader", roleTitle: "Reads along" },
    answer: { status: 201, body: Agent },
    errors: ["conflict"],
  }),
  getAgent: route({
    method: "get",
    path: "/agents/{agentId}",
    tag: "Agents and keys",
    summary: "One agent",
    access: at("agent", "read"),
    params: OfAgent,
    etag: true,
    answer: { status: 200, body: Agent },
  }),
  updateAgent: route({
    method: "patch",
    path: "/agents/{agentId}",
    tag: "Agents and keys",
    summary: "Change an agent, or put it on probation or out of service",
    description: "A status holds for its keys from the next request on.",
    access: at("agent", "manage"),
    params: OfAgent,
    body: AgentChange,
    etag: true,
    ifMatch: "optional",
    example: { status: "probation" },
    answer: { status: 200, body: Agent },
    errors: ["conflict"],
  }),
  deleteAgent: route({
    method: "delete",
    path: "/agents/{agentId}",
    tag: "Agents and keys",
    summary: "Delete an agent; its keys end at once",
    description: "What it did keeps its name, so its code and name stay taken.",
    access: at("agent", "manage"),
    params: OfAgent,
    answer: { status: 204 },
  }),
} as const;
