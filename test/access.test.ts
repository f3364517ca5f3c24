import { randomUUID } from "node:crypto";
import { HocuspocusProvider } from "@hocuspocus/provider";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { findKeys } from "../persistence/access.ts";
import type { AgentStatus } from "../schema/closed-sets.ts";
import { countRows } from "./support/log-rows.ts";
import { createAgent, keyOf, signedIn, type Standing } from "./support/roles.ts";
import { createTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { connectWire, openWire, type WireClient } from "./support/wire-client.ts";
import { useWorld } from "./support/world.ts";

const { database, node, tenant, clients } = await useWorld();

/** Opens a document that must be refused, and answers what the client was told. */
async function refusal(name: string, token: string) {
  const client = connectWire({ url: node.url, name, token });
  clients.push(client);
  const { code, reason } = await client.untilClosed();
  return { code, reason, denied: client.denied };
}

async function open(name: string, token: string): Promise<WireClient> {
  const client = await openWire({ url: node.url, name, token });
  clients.push(client);
  await client.answered();
  return client;
}

const somethingNew = (): Uint8Array => {
  const doc = new Y.Doc();
  doc.getText("diagram").insert(0, "new");
  return Y.encodeStateAsUpdate(doc);
};

/** Tries to write by Update and by SyncStep2: `written`, or `refused` with every frame told so and nothing logged. */
async function tryToEdit(name: string, token: string): Promise<"written" | "refused"> {
  const [, documentId = ""] = name.split(":");
  const address = {
    documentId,
    part: name.startsWith("comments") ? "comments" : "content",
  } as const;
  const client = await open(name, token);
  const before = { ...client, rows: await countRows(database.sql, address) };
  client.send("update", somethingNew());
  client.send("step2", somethingNew());
  await client.answered();
  expect(client.closed).toBeNull();
  const [accepted, refused] = [client.accepted - before.accepted, client.refused - before.refused];
  const added = (await countRows(database.sql, address)) - before.rows;
  if (refused === 0) {
    expect([accepted, added > 0]).toEqual([2, true]);
    return "written";
  }
  expect([accepted, refused, added]).toEqual([0, 2, 0]);
  return "refused";
}

describe("[A2] who may edit", () => {
  test.each<[string, Standing, "written" | "refused"]>([
    ["a viewer", { collaborator: "viewer" }, "refused"],
    ["a reviewer", { collaborator: "reviewer" }, "refused"],
    ["an editor", { collaborator: "editor" }, "written"],
    ["an owner", { collaborator: "owner" }, "written"],
    ["a member of the organization", { member: "member" }, "refused"],
    ["an admin of the organization", { member: "admin" }, "written"],
    ["a member who is also an editor", { member: "member", collaborator: "editor" }, "written"],
    ["an admin who is also a viewer", { member: "admin", collaborator: "viewer" }, "written"],
  ])("%s", async (_who, standing, expected) => {
    const { name } = await tenant.document();
    const { token } = await signedIn(database.sql, tenant, standing);
    expect(await tryToEdit(name, token)).toBe(expected);
  });

  test.each<[AgentStatus, "written" | "refused" | 4401]>([
    ["active", "written"],
    ["probation", "refused"],
    ["inactive", 4401],
    ["terminated", 4401],
  ])("an agent that is %s", async (status, expected) => {
    const { name } = await tenant.document();
    const agentId = await createAgent(database.sql, tenant, status);
    const { token } = await keyOf(database.sql, tenant, { agentId });
    if (expected === 4401) expect((await refusal(name, token)).code).toBe(4401);
    else expect(await tryToEdit(name, token)).toBe(expected);
  });

  test("a key does what its scopes and its role leave of what its owner may", async () => {
    const { name } = await tenant.document();
    const reader = await keyOf(database.sql, tenant, { scopes: ["docs:read"] });
    const reviewer = await keyOf(database.sql, tenant, { role: "reviewer" });
    const writer = await keyOf(database.sql, tenant);
    const viewer = await signedIn(database.sql, tenant, { collaborator: "viewer" });
    const ofViewer = await keyOf(database.sql, tenant, { userId: viewer.userId });
    expect(await tryToEdit(name, reader.token)).toBe("refused");
    expect(await tryToEdit(name, reviewer.token)).toBe("refused");
    expect(await tryToEdit(name, ofViewer.token)).toBe("refused");
    expect(await tryToEdit(name, writer.token)).toBe("written");
  });

  test("a discussion is written by the server alone", async () => {
    const { documentId } = await tenant.document();
    expect(await tryToEdit(`comments:${documentId}`, tenant.token)).toBe("refused");
  });

  test("the row names who wrote, and the agent it was written by", async () => {
    const { documentId, name } = await tenant.document();
    const agentId = await createAgent(database.sql, tenant, "active");
    const { token } = await keyOf(database.sql, tenant, { agentId });
    await tryToEdit(name, token);
    const rows = await database.sql`
      select distinct user_id, agent_id from yjs_updates where document_id = ${documentId}`;
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { user_id: tenant.userId, agent_id: agentId },
    ]);
  });
});

describe("[A1] what does not exist for somebody", () => {
  test.each([
    ["empty of meaning", "nothing"],
    ["of no known part", `secrets:${randomUUID()}`],
    ["in upper case", `document:${randomUUID().toUpperCase()}`],
    ["with a tail", `document:${randomUUID()}x`],
    ["that is a member of every object", "__proto__"],
  ])("a name %s: 4400", async (_what, name) => {
    expect(await refusal(name, tenant.token)).toMatchObject({
      code: 4400,
      reason: "bad_document_name",
    });
  });

  test("an unknown id and another tenant's: 4404, and the same answer", async () => {
    const stranger = await createTenant(database.sql);
    const foreign = await stranger.document();
    const [unknown, theirs] = [
      await refusal(`document:${randomUUID()}`, tenant.token),
      await refusal(foreign.name, tenant.token),
    ];
    expect(unknown).toEqual({
      code: 4404,
      reason: "document_not_found",
      denied: "document_not_found",
    });
    expect(theirs).toEqual(unknown);
    const { token } = await keyOf(database.sql, tenant);
    expect(await refusal(foreign.name, token)).toEqual(unknown);
  });

  test("a document that was deleted: 4404", async () => {
    const { documentId, name } = await tenant.document();
    await database.sql`update documents set deleted_at = now() where id = ${documentId}`;
    expect((await refusal(name, tenant.token)).code).toBe(4404);
  });

  test("a key of another project: 4404; a user without a part in the organization: 4404", async () => {
    const { name } = await tenant.document();
    const [other] = await database.sql<{ id: string }[]>`
      insert into projects (organization_id, name, slug)
      values (${tenant.organizationId}, 'Other', ${randomUUID()}) returning id`;
    const { token } = await keyOf(database.sql, tenant, { projectId: other?.id ?? "" });
    expect((await refusal(name, token)).code).toBe(4404);
    const scoped = await keyOf(database.sql, tenant, { projectId: tenant.projectId });
    expect(await tryToEdit(name, scoped.token)).toBe("written");
    const guest = await signedIn(database.sql, tenant, {});
    expect((await refusal(name, guest.token)).code).toBe(4404);
  });
});

describe("[A4] who is not signed in", () => {
  test("no token, a wrong one, a wrong key: 4401", async () => {
    const { name } = await tenant.document();
    const { token } = await keyOf(database.sql, tenant);
    const [prefix] = token.split(".");
    const wrong = ["", "nonsense", `${prefix}.${"a".repeat(43)}`, `sk0000000000.${"a".repeat(43)}`];
    for (const each of wrong) {
      expect(await refusal(name, each)).toMatchObject({ code: 4401, denied: "unauthenticated" });
    }
    expect(await tryToEdit(name, token)).toBe("written");
  });

  test("a key or a session that is revoked or over: 4401", async () => {
    const { name } = await tenant.document();
    const past = new Date(Date.now() - 1000);
    const expiredKey = await keyOf(database.sql, tenant, { expiresAt: past });
    const revokedKey = await keyOf(database.sql, tenant);
    const expired = await signedIn(database.sql, tenant, { member: "admin" }, past);
    const revoked = await signedIn(database.sql, tenant, { member: "admin" });
    // Each was good a moment ago: nothing that is remembered may outlive the row.
    expect(await tryToEdit(name, revokedKey.token)).toBe("written");
    expect(await tryToEdit(name, revoked.token)).toBe("written");
    await database.sql`update api_keys set revoked_at = now() where id = ${revokedKey.keyId}`;
    await database.sql`update sessions set revoked_at = now() where id = ${revoked.sessionId}`;
    for (const { token } of [expiredKey, revokedKey, expired, revoked]) {
      expect((await refusal(name, token)).code).toBe(4401);
    }
  });

  test("that a key is used is noted once a minute", async () => {
    const { name } = await tenant.document();
    const { keyId, token } = await keyOf(database.sql, tenant);
    const [prefix = ""] = token.split(".");
    const isDue = async () => (await findKeys(database.sql, [prefix]))[0]?.isTouchDue;
    expect(await isDue()).toBe(true);
    await open(name, token);
    expect(await isDue()).toBe(false);
    await database.sql`
      update api_keys set last_used_at = now() - interval '61 seconds' where id = ${keyId}`;
    expect(await isDue()).toBe(true);
    await open(name, token);
    expect(await isDue()).toBe(false);
  });

  test("a key without docs:read: 4403", async () => {
    const { name } = await tenant.document();
    const { token } = await keyOf(database.sql, tenant, {
      scopes: ["docs:write", "comments:write"],
    });
    expect(await refusal(name, token)).toEqual({
      code: 4403,
      reason: "forbidden",
      denied: "forbidden",
    });
  });
});

test("[A2] presence passes between two providers, a reader's too", async () => {
  const { name } = await tenant.document();
  const viewer = await signedIn(database.sql, tenant, { collaborator: "viewer" });
  const providers = [tenant.token, viewer.token].map(
    (token) => new HocuspocusProvider({ url: node.url, name, token }),
  );
  await until(() => providers.every((provider) => provider.synced));
  for (const [index, { awareness }] of providers.entries()) {
    awareness?.setLocalStateField("user", { index });
  }
  const usersAt = (provider: HocuspocusProvider) =>
    [...(provider.awareness?.getStates().values() ?? [])]
      .map(({ user }) => (user as { index: number } | undefined)?.index ?? -1)
      .toSorted((a, b) => a - b);
  await until(() => providers.every((provider) => usersAt(provider).join() === "0,1"));
  for (const provider of providers) provider.destroy();
});
