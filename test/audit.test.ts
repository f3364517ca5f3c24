import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ApiClient } from "../client/api.ts";
import { SCRIPT } from "../persistence/activities.ts";
import { listActivities, type ListedActivity } from "../persistence/list-activities.ts";
import { createSignInLink } from "../persistence/sign-in-links.ts";
import { runAdmin } from "./support/admin-process.ts";
import { SECRET_ENVIRONMENT, signJwt } from "./support/host-application.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";
import { createAgent, keyOf, signedIn } from "./support/roles.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

let rest: Rest;
let tenant: Tenant;
let admin: ApiClient;
let since = 0;

beforeAll(async () => {
  rest = await startRest({ ...SECRET_ENVIRONMENT, JWT_CREATE_USERS: "true" });
  tenant = await createTenant(rest.sql);
  admin = rest.client(tenant.token);
});
afterAll(async () => {
  await rest.close();
});
beforeEach(mark);

const all = () => listActivities(rest.sql, { userId: null, limit: 10_000 });

/** From here on `told` tells. */
async function mark(): Promise<void> {
  since = (await all())[0]?.position ?? 0;
}

/** What happened in this test, in order. */
const told = async (): Promise<ListedActivity[]> =>
  (await all()).filter(({ position }) => position > since).toReversed();

/** The same in one line each. */
const lines = async (): Promise<string[]> =>
  (await told()).map(({ action, entityType, changes }) => {
    const { role = null, status = null } = changes ?? {};
    const change = role ?? status;
    const shown = change === null ? "" : ` ${String(change.old)} → ${String(change.new)}`;
    return `${entityType} ${action}${shown}`;
  });

const inOrganization = () => ({ params: { organizationId: tenant.organizationId } });
const inProject = () => ({ params: { projectId: tenant.projectId } });
const emailOf = async (userId: string): Promise<string> => {
  const [row] = await rest.sql<{ email: string }[]>`select email from users where id = ${userId}`;
  return row?.email ?? "";
};

describe("signing in and out", () => {
  test("a link that is made, the session that it gives, its end and that of the others", async () => {
    const { userId } = await signedIn(rest.sql, tenant, {});
    await mark();
    const expiresAt = new Date(Date.now() + 60_000);
    const link = await createSignInLink(rest.sql, { userId, expiresAt }, SCRIPT);
    const { body } = await rest.client(null).createSession({ body: { link } });
    const own = rest.client(body.token);
    await own.deleteOtherSessions();
    await own.signOut();
    expect(await lines()).toEqual([
      "user link_created",
      "user signed_in",
      "user session_ended",
      "user signed_out",
    ]);
    const [made, came, ended, went] = await told();
    expect(made).toMatchObject({ entityId: userId, actorType: "system", actorId: null });
    expect(came).toMatchObject({ entityId: userId, actorType: "user", actorId: userId });
    expect(came?.metadata).toEqual({
      via: "link",
      sessionId: body.sessionId,
      expiresAt: expect.any(String),
      requestId: expect.any(String),
      network: "127.0.0.0/24",
    });
    expect(ended?.metadata["sessionId"]).not.toBe(body.sessionId);
    expect(went?.metadata["sessionId"]).toBe(body.sessionId);
  });

  test("by the host application: who is made, and once a day who comes", async () => {
    const email = `${randomUUID()}@example.com`;
    for (let time = 0; time < 5; time += 1) {
      await rest.client(await signJwt({ email, jti: String(time) })).getMe();
    }
    expect(await lines()).toEqual(["user created", "user signed_in"]);
    const [made, came] = await told();
    expect(made).toMatchObject({ entityName: email, actorType: "system" });
    expect(came).toMatchObject({ entityName: email, actorName: email, metadata: { via: "jwt" } });
  });
});

describe("keys", () => {
  test("made, rotated and revoked; a second revocation is none", async () => {
    const scopes: ["docs:read"] = ["docs:read"];
    const body = { name: "A name", role: "viewer" as const, scopes };
    const { id } = (await admin.createProjectKey({ ...inProject(), body })).body;
    const rotated = await admin.rotateKey({ params: { keyId: id }, body: { graceSeconds: 60 } });
    const params = { keyId: rotated.body.id };
    await admin.revokeKey({ params });
    await admin.revokeKey({ params });
    await admin.revokeMyKey({ params });
    expect(await lines()).toEqual(["key created", "key created", "key rotated", "key revoked"]);
    const [made, , replaced] = await told();
    expect(made).toMatchObject({
      entityId: id,
      actorId: tenant.userId,
      metadata: { via: "session", role: "viewer", scopes, agentId: null, expiresAt: null },
    });
    expect(replaced).toMatchObject({ entityId: id, metadata: { newKeyId: rotated.body.id } });
    const rows = JSON.stringify(await told());
    expect(rows).not.toContain("A name");
    expect(rows).not.toContain(rotated.body.token);
  });
});

describe("roles", () => {
  test("of a member: given, changed, taken with his roles in projects", async () => {
    const { userId } = await signedIn(rest.sql, tenant, {});
    const email = await emailOf(userId);
    await mark();
    const params = { ...inOrganization().params, userId };
    await admin.addMember({ ...inOrganization(), body: { email, role: "member" } });
    await admin.updateMember({ params, body: { role: "member" } });
    await admin.updateMember({ params, body: { role: "admin" } });
    await admin.addCollaborator({ ...inProject(), body: { email, role: "editor" } });
    await admin.removeMember({ params });
    expect(await lines()).toEqual([
      "member role_changed null → member",
      "member role_changed member → admin",
      "collaborator role_changed null → editor",
      "member role_changed admin → null",
      "collaborator role_changed editor → null",
    ]);
    for (const one of await told()) {
      expect(one).toMatchObject({ entityId: userId, actorId: tenant.userId });
      expect(one.place).not.toBe("");
    }
  });

  test("of a collaborator: given, changed, given back", async () => {
    const { userId, token } = await signedIn(rest.sql, tenant, {});
    const email = await emailOf(userId);
    await mark();
    const params = { ...inProject().params, userId };
    await admin.addCollaborator({ ...inProject(), body: { email, role: "viewer" } });
    await admin.updateCollaborator({ params, body: { role: "owner" } });
    await rest.client(token).leaveProject(inProject());
    expect(await lines()).toEqual([
      "collaborator role_changed null → viewer",
      "collaborator role_changed viewer → owner",
      "collaborator role_changed owner → null",
    ]);
    expect((await told()).at(-1)).toMatchObject({ actorId: userId });
  });

  test("what was refused or rolled back is told nowhere", async () => {
    const { token, userId } = await signedIn(rest.sql, tenant, { member: "member" });
    await mark();
    const guest = rest.client(token);
    const body = { name: "x", role: "owner" as const, scopes: ["docs:read" as const] };
    expect(await codeOf(guest.createProjectKey({ ...inProject(), body }))).toBe("forbidden");
    const params = { ...inOrganization().params, userId: tenant.userId };
    expect(await codeOf(admin.removeMember({ params }))).toBe("conflict");
    const email = await emailOf(userId);
    const again = admin.addMember({ ...inOrganization(), body: { email, role: "admin" } });
    expect(await codeOf(again)).toBe("conflict");
    expect(await told()).toEqual([]);
  });
});

test("an agent's status: made, changed, gone with its keys; a new name is no news", async () => {
  const body = { agentCode: "audited", name: "Audited", roleTitle: "Writes" };
  const agentId = (await admin.createAgent({ ...inOrganization(), body })).body.id;
  await keyOf(rest.sql, tenant, { agentId });
  const params = { agentId };
  await admin.updateAgent({ params, body: { name: "Another" } });
  await admin.updateAgent({ params, body: { status: "probation" } });
  await admin.deleteAgent({ params });
  expect(await lines()).toEqual([
    "agent status_changed null → active",
    "key created",
    "agent status_changed active → probation",
    "key revoked",
    "agent status_changed probation → null",
  ]);
});

test("what an agent does is told of the agent, and of the person behind it", async () => {
  const agentId = await createAgent(rest.sql, tenant, "active");
  const fields = { agentId, role: "owner", scopes: ["admin"] } as const;
  const { token, keyId } = await keyOf(rest.sql, tenant, { ...fields, scopes: ["admin"] });
  const { userId } = await signedIn(rest.sql, tenant, {});
  const email = await emailOf(userId);
  await mark();
  const call = { ...inProject(), body: { email, role: "viewer" as const } };
  await rest.client(token).addCollaborator(call);
  expect(await told()).toMatchObject([
    {
      actorType: "agent",
      actorId: agentId,
      metadata: { via: "key", keyId, userId: tenant.userId },
    },
  ]);
});

// A dozen processes, one after the other: a minute on a busy machine.
test("the script's doings are told as well, and it shows them", async () => {
  const { env } = rest;
  const ask = async (command: string): Promise<unknown> => {
    const { stdout, stderr, code } = await runAdmin([...command.split(" "), "--json"], { env });
    expect(`${code}${stderr}`).toBe("0");
    return JSON.parse(stdout);
  };
  const email = "audit@example.com";
  await ask(`user create ${email} --organization audit --create`);
  await ask(`user grant ${email} --organization audit --role admin`);
  await ask(`user grant ${email} --organization audit --role admin`);
  const { token } = (await ask(`key create --user ${email} --name ci`)) as { token: string };
  await ask(`key revoke ${token.split(".")[0]}`);
  await ask(`user token ${email}`);
  await ask(`user link ${email}`);
  await ask(`user sign-out ${email}`);
  expect(await lines()).toEqual([
    "member role_changed null → member",
    "member role_changed member → admin",
    "key created",
    "key revoked",
    "user signed_in",
    "user link_created",
    "user session_ended",
    "user link_ended",
  ]);
  for (const one of await told()) {
    expect(one).toMatchObject({ actorType: "system", actorId: null, metadata: { via: "script" } });
  }
  const shown = await runAdmin(["user", "activity", email], { env });
  expect(shown.stdout).toMatch(
    /script +role_changed +member audit@example.com +audit +role: member → admin/u,
  );
  const listed = (await ask(`user activity --limit 2`)) as { activities: ListedActivity[] };
  expect(listed.activities.map(({ action }) => action)).toEqual(["link_ended", "session_ended"]);
}, 90_000);

test("nothing of it can be changed or deleted, and what it may say is a closed set", async () => {
  await until(async () => (await all()).length > 0);
  const refused = { code: "23001" };
  await expect(rest.sql`update activities set action = 'created'`).rejects.toMatchObject(refused);
  await expect(rest.sql`delete from activities`).rejects.toMatchObject(refused);
  await expect(rest.sql`truncate activities`).rejects.toMatchObject(refused);
  for (const [entity, action, actor] of [
    ["nonsense", "created", "user"],
    ["user", "nonsense", "user"],
    ["user", "created", "nonsense"],
  ] as const) {
    const inserted = rest.sql`
      insert into activities (entity_type, action, actor_type) values (${entity}, ${action}, ${actor})`;
    await expect(inserted).rejects.toMatchObject({ code: "23514" });
  }
});

test("no row has a name, an e-mail address or a whole IP address", async () => {
  const [row] = await rest.sql<{ text: string }[]>`
    select string_agg(to_jsonb(v)::text, ' ') as text from activities v`;
  expect(row?.text).toContain("127.0.0.0/24");
  expect(row?.text).not.toMatch(/@|127\.0\.0\.1|Audited/u);
});
