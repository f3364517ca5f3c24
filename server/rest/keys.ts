import type { z } from "zod";
import { reachOf, type Place } from "../../extensions/rights.ts";
import type { Actor } from "../../persistence/activities.ts";
import { accessToPlace } from "../../persistence/access.ts";
import { createKey } from "../../persistence/accounts.ts";
import { readAgent } from "../../persistence/agents.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import {
  endKey,
  endOwnKey,
  keyPage,
  readKey,
  replaceKey,
  type KeyFilter,
  type ShownKey,
} from "../../persistence/keys.ts";
import type { Key, MadeKey } from "../../schema/api/keys.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import type { Principal } from "../../schema/principal.ts";
import { lowerRole, type Role, type Scope } from "../../schema/roles.ts";
import { cut, pageOf } from "./page.ts";
import { placeWithin } from "./place-within.ts";
import type { Handlers, Shown } from "./serve.ts";

const shown = (row: ShownKey): Shown<z.output<typeof Key>> => ({
  id: row.id,
  organizationId: row.organizationId,
  projectId: row.projectId,
  userId: row.userId,
  userName: row.userName,
  agentId: row.agentId,
  agentCode: row.agentCode,
  name: row.name,
  prefix: row.prefix,
  scopes: row.scopes,
  role: row.role,
  state: row.state,
  createdAt: row.createdAt,
  lastUsedAt: row.lastUsedAt,
  expiresAt: row.expiresAt,
  revokedAt: row.revokedAt,
});

async function list(
  sql: SqlOrTransaction,
  filter: Partial<KeyFilter>,
  query: { readonly limit: number; readonly cursor?: string | undefined },
) {
  const page = pageOf("-createdAt", query);
  const everything = { organizationId: null, projectId: null, agentId: null, userId: null };
  const found = await keyPage(sql, { ...everything, ...filter }, page);
  const { rows, nextCursor } = cut("-createdAt", page, found);
  return { body: { keys: rows.map(shown), nextCursor } };
}

/** Whoever makes a key, where he does so. */
type Maker = {
  readonly sql: SqlOrTransaction;
  readonly principal: Principal;
  readonly place: Place;
  readonly by: Actor;
};

type Wanted = {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly role: Role;
  readonly agentId?: string | null | undefined;
  readonly expiresAt: string | null;
};

/** Makes a key for the project, or for the whole organization, after everything that it names was checked. */
async function make(maker: Maker, projectId: string | null, wanted: Wanted) {
  const { sql, principal, place, by } = maker;
  const { name, scopes, role, agentId = null } = wanted;
  const boundTo = agentId === null ? projectId : await projectForAgent(maker, agentId, projectId);
  await refuseMoreThanOwn(maker, boundTo, role);
  const { keyId, token } = await createKey(
    sql,
    {
      organizationId: place.organizationId,
      projectId: boundTo,
      userId: principal.userId,
      agentId,
      name,
      scopes,
      role,
      expiresAt: timeToCome(wanted.expiresAt),
    },
    by,
  );
  const body: Shown<z.output<typeof MadeKey>> = { ...shown(await readKey(sql, keyId)), token };
  return { keyId, reply: { body, location: `/keys/${keyId}` } };
}

function timeToCome(expiresAt: string | null): Date | null {
  if (expiresAt === null) return null;
  const time = new Date(expiresAt);
  if (time.getTime() > Date.now()) return time;
  throw new ScriptoriumError("bad_request", "expiresAt is past");
}

/** A key acts with what its maker may do by himself: a role that only his JWT gives is not his to pass on. */
async function refuseMoreThanOwn(
  { sql, principal, place }: Maker,
  projectId: string | null,
  role: Role,
): Promise<void> {
  const where =
    projectId === null
      ? ({ kind: "organization", id: place.organizationId } as const)
      : ({ kind: "project", id: projectId } as const);
  const access = await accessToPlace(sql, { ...where, userId: principal.userId });
  const own = access?.role ?? null;
  if (own !== null && lowerRole(own, role) === role) return;
  throw new ScriptoriumError(
    "forbidden",
    own === null
      ? `A key does what its maker may do as a member, and you are none of this ${where.kind}`
      : `A key may do at most what you may do by yourself here: ${own}`,
  );
}

/**
 * Where a key of this agent works: one of a project is bound to that project.
 * Whoever makes it speaks for the agent, so he must be allowed to manage it.
 */
async function projectForAgent(
  maker: Maker,
  agentId: string,
  projectId: string | null,
): Promise<string | null> {
  await placeWithin(maker, { kind: "agent", id: agentId, right: "manage" });
  const agent = await readAgent(maker.sql, agentId);
  if (agent.status === "terminated") {
    throw new ScriptoriumError("conflict", "The agent is terminated; it gets no more keys");
  }
  if (agent.projectId !== null && projectId !== null && agent.projectId !== projectId) {
    throw new ScriptoriumError("conflict", "The agent belongs to another project than the key");
  }
  return agent.projectId ?? projectId;
}

type Rotation = {
  readonly graceSeconds: number;
  readonly expiresAt?: string | null | undefined;
};

/** The row lock lets one of two rotations win: without a grace the other finds the key revoked. */
async function rotate(maker: Maker, keyId: string, { graceSeconds, expiresAt }: Rotation) {
  const { sql, by } = maker;
  const old = await readKey(sql, keyId, { forUpdate: true });
  if (old.state === "revoked" || old.state === "expired") {
    throw new ScriptoriumError("conflict", `The key is ${old.state}; make a new one`);
  }
  const { name, scopes, role } = old;
  const until = expiresAt === undefined ? sameLifetime(old) : expiresAt;
  const made = await make(maker, old.projectId, {
    name,
    scopes,
    role,
    agentId: old.agentId,
    expiresAt: until,
  });
  await replaceKey(sql, { keyId, newKeyId: made.keyId, graceSeconds }, by);
  return made.reply;
}

const sameLifetime = ({ createdAt, expiresAt }: ShownKey): string | null =>
  expiresAt === null
    ? null
    : new Date(Date.now() + expiresAt.getTime() - createdAt.getTime()).toISOString();

/** The routes of `schema/api/keys.ts`. */
export const keyHandlers = {
  async listKeys({ sql, params, query: { projectId = null, agentId = null, ...query } }) {
    return list(sql, { ...params, projectId, agentId }, query);
  },

  async listProjectKeys({ sql, params, query: { agentId = null, ...query } }) {
    return list(sql, { ...params, agentId }, query);
  },

  async listMyKeys({ sql, principal, query }) {
    const { userId, onlyOrganizationId: organizationId } = reachOf(principal);
    return list(sql, { userId, organizationId }, query);
  },

  async createKey({ sql, principal, place, by, body: { projectId = null, ...wanted } }) {
    const maker = { sql, principal, place, by };
    if (projectId !== null) {
      await placeWithin(maker, { kind: "project", id: projectId, right: "manage" });
    }
    return (await make(maker, projectId, wanted)).reply;
  },

  async createProjectKey({ sql, principal, place, by, params, body }) {
    return (await make({ sql, principal, place, by }, params.projectId, body)).reply;
  },

  async getKey({ sql, params }) {
    return { body: shown(await readKey(sql, params.keyId)) };
  },

  async rotateKey({ sql, principal, place, by, params, body, rightsChanged }) {
    const made = await rotate({ sql, principal, place, by }, params.keyId, body);
    rightsChanged(params);
    return made;
  },

  async revokeKey({ sql, by, params, rightsChanged }) {
    await endKey(sql, params.keyId, by);
    rightsChanged(params);
    return {};
  },

  async revokeMyKey({ sql, by, principal, params: { keyId }, rightsChanged }) {
    if (!(await endOwnKey(sql, keyId, reachOf(principal), by))) {
      throw new ScriptoriumError("not_found", "There is no such key of yours");
    }
    rightsChanged({ keyId });
    return {};
  },
} satisfies Handlers;
