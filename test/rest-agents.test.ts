import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApiClient } from "../client/api.ts";
import { createProject, setMember } from "../persistence/accounts.ts";
import { SCRIPT } from "../persistence/activities.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";
import { keyOf, signedIn } from "./support/roles.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";

let rest: Rest;
let tenant: Tenant;
let foreign: Tenant;
let admin: ApiClient;

beforeAll(async () => {
  rest = await startRest();
  tenant = await createTenant(rest.sql);
  foreign = await createTenant(rest.sql);
  admin = rest.client(tenant.token);
});
afterAll(async () => {
  await rest.close();
});

const fields = () => ({
  agentCode: randomUUID(),
  name: `Writer ${randomUUID()}`,
  roleTitle: "Technical writer",
});

const inOrganization = () => ({ params: { organizationId: tenant.organizationId } });
const inProject = () => ({ params: { projectId: tenant.projectId } });

const made = async (more: { projectId?: string } = {}) =>
  (await admin.createAgent({ ...inOrganization(), body: { ...fields(), ...more } })).body;

test("an agent is made, read, changed and listed by name", async () => {
  const body = { ...fields(), capabilities: ["drafts", "translations"] };
  const { body: agent } = await admin.createAgent({ ...inOrganization(), body });
  expect(agent).toMatchObject({
    ...body,
    organizationId: tenant.organizationId,
    projectId: null,
    level: "organization",
    status: "active",
    trustScore: 50,
  });
  const params = { agentId: agent.id };
  const read = await admin.getAgent({ params });
  expect(read.body).toEqual(agent);
  const change = { status: "probation" as const, capabilities: [] };
  const changed = await admin.updateAgent({ params, body: change }, { ifMatch: read.etag ?? "" });
  expect(changed.body).toMatchObject({ ...body, ...change });
  const late = admin.updateAgent({ params, body: change }, { ifMatch: read.etag ?? "" });
  expect(await codeOf(late)).toBe("precondition_failed");
  const { body: list } = await admin.listAgents({
    ...inOrganization(),
    query: { status: "probation", limit: 200 },
  });
  expect(list.agents).toEqual([changed.body]);
});

test("pages of agents hold each agent once, in the order of their names", async () => {
  const projectId = await createProject(rest.sql, {
    organizationId: tenant.organizationId,
    name: "Pages",
    slug: "pages",
  });
  const names: string[] = [];
  for (let index = 0; index < 5; index++) names.push((await made({ projectId })).name);
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const query: { limit: number; cursor?: string } = { limit: 2 };
    if (cursor !== null) query.cursor = cursor;
    const { body } = await admin.listProjectAgents({ params: { projectId }, query });
    seen.push(...body.agents.map(({ name }) => name));
    cursor = body.nextCursor;
  } while (cursor !== null);
  expect(seen).toHaveLength(5);
  expect(new Set(seen)).toEqual(new Set(names));
  const filtered = await admin.listAgents({ ...inOrganization(), query: { projectId } });
  expect(filtered.body.agents.map(({ name }) => name)).toEqual(seen);
});

test("a code is unique in its organization, a name among its neighbours", async () => {
  const first = await made();
  const again = (body: object) =>
    codeOf(admin.createAgent({ ...inOrganization(), body: { ...fields(), ...body } }));
  expect(await again({ agentCode: first.agentCode })).toBe("conflict");
  expect(await again({ name: first.name })).toBe("conflict");
  expect(await again({ name: first.name, projectId: tenant.projectId })).toBeNull();
  expect(await again({ agentCode: "Upper Case" })).toBe("bad_request");
  const second = await made();
  const rename = admin.updateAgent({ params: { agentId: second.id }, body: { name: first.name } });
  expect(await codeOf(rename)).toBe("conflict");
  const elsewhere = rest.client(foreign.token).createAgent({
    params: { organizationId: foreign.organizationId },
    body: { ...fields(), agentCode: first.agentCode, name: first.name },
  });
  expect(await codeOf(elsewhere)).toBeNull();
});

test("[A1 T47] an agent of another organization does not exist, nor does a foreign project in a body", async () => {
  const { id: agentId } = await made();
  const outsider = rest.client(foreign.token);
  const params = { agentId };
  expect(await codeOf(outsider.getAgent({ params }))).toBe("not_found");
  expect(await codeOf(outsider.updateAgent({ params, body: { name: "Mine" } }))).toBe("not_found");
  expect(await codeOf(outsider.deleteAgent({ params }))).toBe("not_found");
  expect(await codeOf(outsider.listAgents(inOrganization()))).toBe("not_found");
  expect(await codeOf(outsider.listProjectAgents(inProject()))).toBe("not_found");
  const smuggled = { ...fields(), projectId: foreign.projectId };
  const smuggle = () => codeOf(admin.createAgent({ ...inOrganization(), body: smuggled }));
  expect(await smuggle()).toBe("not_found");
  // Even somebody who is admin of both may not mix them.
  const { userId } = tenant;
  const { organizationId } = foreign;
  await setMember(rest.sql, { organizationId, userId, role: "admin" }, SCRIPT);
  expect(await smuggle()).toBe("not_found");
  await rest.sql`delete from organization_members where organization_id = ${organizationId} and user_id = ${userId}`;
});

test("a guest who owns a project makes and manages its agents, and sees none of the organization", async () => {
  const { token } = await signedIn(rest.sql, tenant, { collaborator: "owner" });
  const owner = rest.client(token);
  const { body: agent } = await owner.createProjectAgent({ ...inProject(), body: fields() });
  expect(agent).toMatchObject({ level: "project", projectId: tenant.projectId });
  const params = { agentId: agent.id };
  const change = await owner.updateAgent({ params, body: { roleTitle: "Editor" } });
  expect(change.body.roleTitle).toBe("Editor");
  expect(await codeOf(owner.createAgent({ ...inOrganization(), body: fields() }))).toBe(
    "not_found",
  );
  expect(await codeOf(owner.getAgent({ params: { agentId: (await made()).id } }))).toBe(
    "not_found",
  );
  await owner.deleteAgent({ params });
  expect(await codeOf(owner.getAgent({ params }))).toBe("not_found");
});

test("a member reads agents and manages none; an editor of the project neither", async () => {
  const { id: agentId } = await made({ projectId: tenant.projectId });
  for (const standing of [{ member: "member" }, { collaborator: "editor" }] as const) {
    const { token } = await signedIn(rest.sql, tenant, standing);
    const caller = rest.client(token);
    const params = { agentId };
    expect((await caller.getAgent({ params })).body.id).toBe(agentId);
    const refused = await Promise.all([
      codeOf(caller.updateAgent({ params, body: { status: "active" } })),
      codeOf(caller.deleteAgent({ params })),
      codeOf(caller.createProjectAgent({ ...inProject(), body: fields() })),
    ]);
    expect(refused).toEqual(["forbidden", "forbidden", "forbidden"]);
  }
});

test("a status holds for the agent's keys from the next request on", async () => {
  const { id: agentId } = await made();
  const scopes = ["docs:read", "docs:write", "suggestions:write", "admin"] as const;
  const { token } = await keyOf(rest.sql, tenant, { agentId, scopes, role: "owner" });
  const agent = rest.client(token);
  const rights = async () => (await agent.getOrganization(inOrganization())).body.rights;
  const put = (status: "active" | "probation" | "inactive" | "terminated") =>
    admin.updateAgent({ params: { agentId }, body: { status } });
  expect(await rights()).toEqual(["read", "suggest", "edit", "manage"]);
  await put("probation");
  expect(await rights()).toEqual(["read", "suggest"]);
  // On probation it cannot end its own probation.
  const own = agent.updateAgent({ params: { agentId }, body: { status: "active" } });
  expect(await codeOf(own)).toBe("forbidden");
  for (const status of ["inactive", "terminated"] as const) {
    await put(status);
    expect(await codeOf(rights())).toBe("unauthenticated");
  }
  await put("active");
  expect(await rights()).toContain("manage");
});

test("the keys of a deleted agent end at once, and it is gone from every list", async () => {
  const { id: agentId, agentCode, name } = await made();
  const { keyId, token } = await keyOf(rest.sql, tenant, { agentId });
  const agent = rest.client(token);
  expect(await codeOf(agent.getOrganization(inOrganization()))).toBeNull();
  await admin.deleteAgent({ params: { agentId } });
  expect(await codeOf(agent.getOrganization(inOrganization()))).toBe("unauthenticated");
  const { body: key } = await admin.getKey({ params: { keyId } });
  expect(key.state).toBe("revoked");
  expect(key.revokedAt).not.toBeNull();
  expect(await codeOf(admin.deleteAgent({ params: { agentId } }))).toBe("not_found");
  const { body } = await admin.listAgents({ ...inOrganization(), query: { limit: 200 } });
  expect(body.agents.map(({ id }) => id)).not.toContain(agentId);
  const again = admin.createAgent({ ...inOrganization(), body: { ...fields(), agentCode, name } });
  expect(await codeOf(again)).toBe("conflict");
});

test("an agent is made once for an idempotency key", async () => {
  const call = { ...inOrganization(), body: fields() };
  const headers = { idempotencyKey: randomUUID() };
  const [first, second] = await Promise.all([
    admin.createAgent(call, headers),
    admin.createAgent(call, headers),
  ]);
  expect(second.body).toEqual(first.body);
});
