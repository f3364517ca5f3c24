import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiClient } from "../client/api.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";
import { createAgent, keyOf, signedIn } from "./support/roles.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";

const HOUR_MS = 3_600_000;

let rest: Rest;
let tenant: Tenant;
let admin: ApiClient;

beforeAll(async () => {
  rest = await startRest();
  tenant = await createTenant(rest.sql);
  admin = rest.client(tenant.token);
});
afterAll(async () => {
  await rest.close();
});

const inOrganization = () => ({ params: { organizationId: tenant.organizationId } });
const inProject = () => ({ params: { projectId: tenant.projectId } });

const made = async (expiresAt: string | null = null) => {
  const scopes: ["docs:read"] = ["docs:read"];
  const wanted = { name: randomUUID(), role: "reviewer" as const, scopes, expiresAt };
  const { body } = await admin.createProjectKey({ ...inProject(), body: wanted });
  return { ...body, token: body.token ?? "", params: { keyId: body.id } };
};

/** Null where the token works, else the code. */
const refusal = (token: string | null) => codeOf(rest.client(token).getProject(inProject()));

describe("rotation", () => {
  test("gives a new key with the same rights, and the old one ends at once", async () => {
    const old = await made();
    const { body } = await admin.rotateKey({ params: old.params, body: {} });
    const { name, role, scopes, projectId, agentId, expiresAt } = old;
    expect(body).toMatchObject({ name, role, scopes, projectId, agentId, expiresAt });
    expect(body.id).not.toBe(old.id);
    expect(await refusal(body.token)).toBeNull();
    expect(await refusal(old.token)).toBe("unauthenticated");
    expect(await codeOf(admin.rotateKey({ params: old.params, body: {} }))).toBe("conflict");
  });

  test("with a grace both work until the old one expires", async () => {
    const old = await made();
    const before = Date.now();
    const call = { params: old.params, body: { graceSeconds: 3600 } };
    const { body } = await admin.rotateKey(call);
    expect(await refusal(body.token)).toBeNull();
    expect(await refusal(old.token)).toBeNull();
    const { expiresAt } = (await admin.getKey({ params: old.params })).body;
    expect(Date.parse(expiresAt ?? "") - before - HOUR_MS).toBeLessThan(60_000);
    expect(Date.parse(expiresAt ?? "") - before - HOUR_MS).toBeGreaterThan(-60_000);
    await rest.sql`update api_keys set expires_at = now() where id = ${old.id}`;
    expect(await refusal(old.token)).toBe("unauthenticated");
    expect(await refusal(body.token)).toBeNull();
  });

  test("a grace never prolongs the old key; the new one lives as long as the old was made for", async () => {
    const old = await made(new Date(Date.now() + HOUR_MS).toISOString());
    await rest.sql`
      update api_keys set created_at = created_at - interval '59 minutes',
                          expires_at = expires_at - interval '59 minutes' where id = ${old.id}`;
    const call = { params: old.params, body: { graceSeconds: 3600 } };
    const { body } = await admin.rotateKey(call);
    const left = (time: string | null) => Date.parse(time ?? "") - Date.now();
    expect(left((await admin.getKey({ params: old.params })).body.expiresAt)).toBeLessThan(60_000);
    expect(Math.abs(left(body.expiresAt) - HOUR_MS)).toBeLessThan(60_000);
    const forever = { params: { keyId: body.id }, body: { expiresAt: null } };
    expect((await admin.rotateKey(forever)).body.expiresAt).toBeNull();
  });

  test("two at the same time make one key", async () => {
    const { params } = await made();
    const codes = await Promise.all([
      codeOf(admin.rotateKey({ params, body: {} })),
      codeOf(admin.rotateKey({ params, body: {} })),
    ]);
    expect(codes.toSorted()).toEqual(["conflict", null]);
  });

  test("of another's key gives a key of one's own: nobody can act for somebody else", async () => {
    const { token, userId } = await signedIn(rest.sql, tenant, { collaborator: "owner" });
    const { params } = await made();
    const { body } = await rest.client(token).rotateKey({ params, body: {} });
    expect(body.userId).toBe(userId);
    expect((await admin.getKey({ params })).body).toMatchObject({
      userId: tenant.userId,
      state: "revoked",
    });
  });
});

describe("revocation", () => {
  test("[A3] a revoked key is refused from the next request on, and stays in the list", async () => {
    const key = await made();
    expect(await refusal(key.token)).toBeNull();
    await admin.revokeKey({ params: key.params });
    expect(await refusal(key.token)).toBe("unauthenticated");
    const first = (await admin.getKey({ params: key.params })).body;
    expect(first.state).toBe("revoked");
    await admin.revokeKey({ params: key.params });
    expect((await admin.getKey({ params: key.params })).body.revokedAt).toBe(first.revokedAt);
  });

  test("everybody sees and ends the keys that he made, also when he has left", async () => {
    const { token, userId } = await signedIn(rest.sql, tenant, { collaborator: "owner" });
    const own = rest.client(token);
    const body = { name: "Mine", role: "owner" as const, scopes: ["docs:read" as const] };
    const { body: key } = await own.createProjectKey({ ...inProject(), body });
    await rest.sql`update collaborators set removed_at = now() where user_id = ${userId}`;
    expect(await refusal(key.token)).toBe("not_found");
    const { body: list } = await own.listMyKeys();
    expect(list.keys.map(({ id }) => id)).toEqual([key.id]);
    const params = { keyId: key.id };
    expect(await codeOf(own.revokeKey({ params }))).toBe("not_found");
    await own.revokeMyKey({ params });
    expect((await admin.getKey({ params })).body.state).toBe("revoked");
    const others = { params: (await made()).params };
    expect(await codeOf(own.revokeMyKey(others))).toBe("not_found");
    expect((await admin.getKey(others)).body.state).toBe("live");
  });

  test("a key does not see the other keys of its maker", async () => {
    const { token } = await keyOf(rest.sql, tenant, { scopes: ["docs:read", "admin"] });
    expect(await codeOf(rest.client(token).listMyKeys())).toBe("forbidden");
  });
});

describe("lists", () => {
  test("hold each key once, the newest first, and keep to their filters", async () => {
    const agentId = await createAgent(rest.sql, tenant, "active");
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) {
      const projectId = index % 2 === 0 ? tenant.projectId : null;
      ids.unshift((await keyOf(rest.sql, tenant, { agentId, projectId })).keyId);
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: { agentId: string; limit: number; cursor?: string } = { agentId, limit: 2 };
      if (cursor !== null) query.cursor = cursor;
      const { body } = await admin.listKeys({ ...inOrganization(), query });
      seen.push(...body.keys.map(({ id }) => id));
      cursor = body.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(ids);
    const ofProject = ids.filter((_, index) => index % 2 === 0);
    const byQuery = { ...inOrganization(), query: { agentId, projectId: tenant.projectId } };
    const byPath = { ...inProject(), query: { agentId } };
    for (const { body } of [await admin.listKeys(byQuery), await admin.listProjectKeys(byPath)]) {
      expect(body.keys.map(({ id }) => id)).toEqual(ofProject);
    }
  });

  test("refuse a cursor of their own form that holds no time", async () => {
    const text = JSON.stringify(["-createdAt", "yesterday", randomUUID()]);
    const cursor = Buffer.from(text).toString("base64url");
    const call = admin.listKeys({ ...inOrganization(), query: { cursor } });
    expect(await codeOf(call)).toBe("bad_request");
  });
});
