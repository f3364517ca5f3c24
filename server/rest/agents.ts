import type { z } from "zod";
import type { Actor } from "../../persistence/activities.ts";
import {
  agentPage,
  changeAgent,
  createAgent,
  deleteAgent,
  readAgent,
  type NewAgent,
  type StoredAgent,
} from "../../persistence/agents.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import type { Agent } from "../../schema/api/agents.ts";
import type { AgentStatus } from "../../schema/closed-sets.ts";
import { etagOf } from "./etag.ts";
import { cut, pageOf } from "./page.ts";
import { placeWithin } from "./place-within.ts";
import type { Handlers, Shown } from "./serve.ts";

type ShownAgent = Shown<z.output<typeof Agent>>;

const shown = (row: StoredAgent): ShownAgent => ({
  id: row.id,
  organizationId: row.organizationId,
  projectId: row.projectId,
  level: row.level,
  agentCode: row.agentCode,
  name: row.name,
  roleTitle: row.roleTitle,
  status: row.status,
  trustScore: row.trustScore,
  capabilities: row.capabilities,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
});

type AgentQuery = {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly status?: AgentStatus | undefined;
};

async function list(
  sql: SqlOrTransaction,
  within: { organizationId: string; projectId: string | null },
  { status, ...query }: AgentQuery,
) {
  const page = pageOf("name", query);
  const found = await agentPage(sql, { ...within, status: status ?? null }, page);
  const { rows, nextCursor } = cut("name", page, found);
  return { body: { agents: rows.map(shown), nextCursor } };
}

async function make(sql: SqlOrTransaction, agent: NewAgent, by: Actor) {
  const agentId = await createAgent(sql, agent, by);
  return { body: shown(await readAgent(sql, agentId)), location: `/agents/${agentId}` };
}

/** The routes of `schema/api/agents.ts`. */
export const agentHandlers = {
  async listAgents({ sql, params, query: { projectId = null, ...query } }) {
    return list(sql, { ...params, projectId }, query);
  },

  async listProjectAgents({ sql, params, place: { organizationId }, query }) {
    return list(sql, { organizationId, ...params }, query);
  },

  async createAgent({ sql, principal, by, place, params, body: { projectId = null, ...body } }) {
    if (projectId !== null) {
      const named = { kind: "project", id: projectId, right: "manage" } as const;
      await placeWithin({ sql, principal, place }, named);
    }
    return make(sql, { ...body, ...params, projectId }, by);
  },

  async createProjectAgent({ sql, by, place: { organizationId }, params, body }) {
    return make(sql, { ...body, ...params, organizationId }, by);
  },

  async getAgent({ sql, params }) {
    const body = shown(await readAgent(sql, params.agentId));
    return { body, etag: etagOf(body) };
  },

  async updateAgent({ sql, by, params: { agentId }, body, mustMatch, rightsChanged }) {
    const before = await readAgent(sql, agentId, { forUpdate: true });
    mustMatch(etagOf(shown(before)));
    await changeAgent(sql, agentId, body, by);
    rightsChanged({ agentId });
    const after = shown(await readAgent(sql, agentId));
    return { body: after, etag: etagOf(after) };
  },

  async deleteAgent({ sql, by, params, rightsChanged }) {
    await deleteAgent(sql, params.agentId, by);
    rightsChanged(params);
    return {};
  },
} satisfies Handlers;
