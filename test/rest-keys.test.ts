import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiClient } from "../client/api.ts";
import { createProject } from "../persistence/accounts.ts";
import type { Role, Scope } from "../schema/roles.ts";
import { inSeconds, SECRET_ENVIRONMENT, signJwt } from "./support/host-application.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";
import { createAgent, keyOf, signedIn } from "./support/roles.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";

let rest: Rest;
let tenant: Tenant;
let foreign: Tenant;
let admin: ApiClient;
let otherProjectId: string;

beforeAll(async () => {
  rest = await startRest(SECRET_ENVIRONMENT);
  tenant = await createTenant(rest.sql);
  foreign = await createTenant(rest.sql);
  admin = rest.client(tenant.token);
  const { organizationId } = tenant;
  otherProjectId = await createProject(rest.sql, { organizationId, name: "Other", slug: "other" });
});
afterAll(async () => {
  await rest.close();
});

const fields = (role: Role = "editor", scopes: Scope[] = ["docs:read", "docs:write"]) => ({
  name: "Nightly import",
  role,
  scopes,
});
const inOrganization = () => ({ params: { organizationId: tenant.organizationId } });
const inProject = () => ({ params: { projectId: tenant.projectId } });

const made = async (more: { projectId?: string; agentId?: string; expiresAt?: string } = {}) => {
  const { body } = await admin.createKey({ ...inOrganization(), body: { ...fields(), ...more } });
  return { ...body, token: body.token ?? "", params: { keyId: body.id } };
};

/** What somebody with this token may do in the tenant's project; the code where he is refused. */
const rightsWith = async (token: string, projectId = tenant.projectId) => {
  const call = rest.client(token).getProject({ params: { projectId } });
  return (await codeOf(call)) ?? (await call).body.rights;
};

const projectAgent = async () => {
  const body = { agentCode: randomUUID(), name: randomUUID(), roleTitle: "Writer" };
  return (await admin.createProjectAgent({ ...inProject(), body })).body.id;
};

describe("making a key", () => {
  test("[A4] it works, is shown once, and no list or read tells its secret or hash", async () => {
    const key = await made();
    expect(key).toMatchObject({ userId: tenant.userId, agentId: null, state: "live" });
    expect(key.token.startsWith(`${key.prefix}.`)).toBe(true);
    expect(await rightsWith(key.token)).toEqual(["read", "edit"]);
    const secret = key.token.slice(key.prefix.length + 1);
    const [row] = await rest.sql<{ key_hash: string }[]>`
      select key_hash from api_keys where id = ${key.id}`;
    for (const path of [`keys/${key.id}`, `organizations/${tenant.organizationId}/keys`]) {
      const authorization = `Bearer ${tenant.token}`;
      const answer = await rest.fetch(`/api/v1/${path}`, { headers: { authorization } });
      const text = await answer.text();
      expect(text).toContain(key.id);
      expect(text).not.toContain(secret);
      expect(text).not.toContain(row?.key_hash);
    }
    const { body } = await admin.getKey({ params: key.params });
    expect(body.lastUsedAt).not.toBeNull();
  });

  test("[A4] repeated under its idempotency key it is the same key, without the secret", async () => {
    const call = { ...inOrganization(), body: fields() };
    const headers = { idempotencyKey: randomUUID() };
    const first = (await admin.createKey(call, headers)).body;
    const second = (await admin.createKey(call, headers)).body;
    expect(first.token).toEqual(expect.any(String));
    expect(second).toEqual({ ...first, token: null });
    const [row] = await rest.sql<{ answer: string }[]>`
      select answer::text from idempotency_keys where key = ${headers.idempotencyKey}`;
    expect(row?.answer).not.toContain(first.token);
  });

  test("a guest who owns the project makes keys for it alone", async () => {
    const { token, userId } = await signedIn(rest.sql, tenant, { collaborator: "owner" });
    const owner = rest.client(token);
    const { body } = await owner.createProjectKey({ ...inProject(), body: fields("owner") });
    expect(body).toMatchObject({ projectId: tenant.projectId, userId, role: "owner" });
    expect(await rightsWith(body.token ?? "")).toEqual(["read", "edit"]);
    expect(await rightsWith(body.token ?? "", otherProjectId)).toBe("not_found");
    expect(await codeOf(owner.createKey({ ...inOrganization(), body: fields() }))).toBe(
      "not_found",
    );
    const elsewhere = { params: { projectId: otherProjectId }, body: fields() };
    expect(await codeOf(owner.createProjectKey(elsewhere))).toBe("not_found");
  });

  test("a key makes no keys, whatever it may do; an editor makes none either", async () => {
    const scopes = ["docs:read", "docs:write", "admin"] as const;
    const { token } = await keyOf(rest.sql, tenant, { scopes, role: "owner" });
    const program = rest.client(token);
    const { params } = await made();
    expect((await program.getKey({ params })).body.id).toBe(params.keyId);
    const editor = await signedIn(rest.sql, tenant, { member: "member", collaborator: "editor" });
    for (const caller of [program, rest.client(editor.token)]) {
      const refused = await Promise.all([
        codeOf(caller.createKey({ ...inOrganization(), body: fields() })),
        codeOf(caller.createProjectKey({ ...inProject(), body: fields() })),
        codeOf(caller.rotateKey({ params, body: {} })),
      ]);
      expect(refused).toEqual(["forbidden", "forbidden", "forbidden"]);
    }
  });

  test("a role that only a JWT gives is not passed on: the key would do nothing", async () => {
    const [row] = await rest.sql<{ slug: string; email: string }[]>`
      select o.slug, u.email from organizations o, users u
      where o.id = ${tenant.organizationId} and u.id = ${foreign.userId}`;
    const claims = { email: row?.email, organization: row?.slug, role: "owner" };
    const granted = rest.client(await signJwt({ ...claims, exp: inSeconds(60) }));
    const call = { ...inProject(), body: fields("viewer") };
    expect((await granted.getProject(inProject())).body.rights).toContain("manage");
    expect(await codeOf(granted.createProjectKey(call))).toBe("forbidden");
    await rest.sql`
      insert into collaborators (project_id, user_id, role)
      values (${tenant.projectId}, ${foreign.userId}, 'reviewer')`;
    expect(await codeOf(granted.createProjectKey(call))).toBeNull();
    expect(await codeOf(granted.createProjectKey({ ...call, body: fields() }))).toBe("forbidden");
    // His token reaches this organization only, and so does his list.
    await keyOf(rest.sql, foreign);
    const { body } = await granted.listMyKeys();
    expect(body.keys.map(({ organizationId }) => organizationId)).toEqual([tenant.organizationId]);
    await rest.sql`delete from collaborators where user_id = ${foreign.userId}`;
  });

  test("scopes are of the closed set, and what expires does so in the future", async () => {
    const refused = (body: object) =>
      codeOf(admin.createKey({ ...inOrganization(), body: { ...fields(), ...body } }));
    expect(await refused({ scopes: ["docs:everything"] })).toBe("bad_request");
    expect(await refused({ scopes: [] })).toBe("bad_request");
    expect(await refused({ role: "admin" })).toBe("bad_request");
    expect(await refused({ expiresAt: "2020-01-01T00:00:00Z" })).toBe("bad_request");
    expect(await refused({ expiresAt: "tomorrow" })).toBe("bad_request");
  });

  test("it stops when it expires", async () => {
    const key = await made({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() });
    expect(await rightsWith(key.token)).toEqual(["read", "edit"]);
    await rest.sql`update api_keys set expires_at = now() where id = ${key.id}`;
    expect(await rightsWith(key.token)).toBe("unauthenticated");
    expect((await admin.getKey({ params: key.params })).body.state).toBe("expired");
    expect(await codeOf(admin.rotateKey({ params: key.params, body: {} }))).toBe("conflict");
  });
});

describe("a key for an agent", () => {
  test("of a project is bound to the project", async () => {
    const agentId = await projectAgent();
    const key = await made({ agentId });
    expect(key).toMatchObject({ agentId, projectId: tenant.projectId });
    expect(await rightsWith(key.token, otherProjectId)).toBe("not_found");
    expect(await codeOf(made({ agentId, projectId: otherProjectId }))).toBe("conflict");
  });

  test("takes the right to manage the agent: else a project's owner could speak for it", async () => {
    const agentId = await createAgent(rest.sql, tenant, "active");
    const body = { ...fields(), agentId };
    const guest = await signedIn(rest.sql, tenant, { collaborator: "owner" });
    const member = await signedIn(rest.sql, tenant, { member: "member", collaborator: "owner" });
    const make = (token: string) =>
      codeOf(rest.client(token).createProjectKey({ ...inProject(), body }));
    expect(await make(guest.token)).toBe("not_found");
    expect(await make(member.token)).toBe("forbidden");
    expect(await make(tenant.token)).toBeNull();
    const { params } = await made({ agentId, projectId: tenant.projectId });
    const rotation = rest.client(member.token).rotateKey({ params, body: {} });
    expect(await codeOf(rotation)).toBe("forbidden");
  });

  test("is suspended with its agent, and a terminated one gets none", async () => {
    const agentId = await createAgent(rest.sql, tenant, "active");
    const { params } = await made({ agentId });
    await admin.updateAgent({ params: { agentId }, body: { status: "terminated" } });
    expect((await admin.getKey({ params })).body.state).toBe("suspended");
    expect(await codeOf(made({ agentId }))).toBe("conflict");
  });
});

test("[A1 T47] foreign ids do not exist, in paths and in bodies", async () => {
  const { params } = await made();
  const outsider = rest.client(foreign.token);
  const foreignAgentId = await createAgent(rest.sql, foreign, "active");
  const codes = await Promise.all([
    codeOf(outsider.getKey({ params })),
    codeOf(outsider.rotateKey({ params, body: {} })),
    codeOf(outsider.revokeKey({ params })),
    codeOf(outsider.revokeMyKey({ params })),
    codeOf(outsider.listKeys(inOrganization())),
    codeOf(outsider.listProjectKeys(inProject())),
    codeOf(outsider.createKey({ ...inOrganization(), body: fields() })),
    codeOf(outsider.createProjectKey({ ...inProject(), body: fields() })),
    codeOf(made({ projectId: foreign.projectId })),
    codeOf(made({ agentId: foreignAgentId })),
    codeOf(made({ agentId: randomUUID() })),
  ]);
  expect(new Set(codes)).toEqual(new Set(["not_found"]));
  expect((await admin.getKey({ params })).body.state).toBe("live");
});
