import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createSession } from "../persistence/accounts.ts";
import { SCRIPT } from "../persistence/activities.ts";
import { createSignInLink } from "../persistence/sign-in-links.ts";
import { encodeCursor } from "../schema/api/cursor.ts";
import { SECRET_ENVIRONMENT, signJwt } from "./support/host-application.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";
import { keyOf, signedIn } from "./support/roles.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { connectWire, openWire } from "./support/wire-client.ts";

let rest: Rest;
let tenant: Tenant;
let own: Awaited<ReturnType<typeof signedIn>>;

beforeAll(async () => {
  rest = await startRest(SECRET_ENVIRONMENT);
  tenant = await createTenant(rest.sql);
});
beforeEach(async () => {
  own = await signedIn(rest.sql, tenant, { collaborator: "editor" });
});
afterAll(() => rest.close());

const me = () => rest.client(own.token);

const anotherSession = () =>
  createSession(rest.sql, { userId: own.userId, expiresAt: new Date(Date.now() + 60_000) }, SCRIPT);

async function jwtOf(userId: string): Promise<string> {
  const [row] = await rest.sql<{ email: string }[]>`select email from users where id = ${userId}`;
  return signJwt({ email: row?.email });
}

test("a list shows one's own live sessions, the newest first, and which is this one", async () => {
  const other = await anotherSession();
  const over = await createSession(
    rest.sql,
    { userId: own.userId, expiresAt: new Date(0) },
    SCRIPT,
  );
  await signedIn(rest.sql, tenant, {});
  const { sessions } = (await me().listSessions()).body;
  expect(sessions.map(({ id, current }) => [id, current])).toEqual([
    [other.sessionId, false],
    [own.sessionId, true],
  ]);
  expect(sessions.map(({ id }) => id)).not.toContain(over.sessionId);
});

test("pages hold each session once, also when several were made at one moment", async () => {
  for (let count = 0; count < 6; count++) await anotherSession();
  await rest.sql`update sessions set created_at = '2026-01-01 00:00:00.123456Z'
                 where user_id = ${own.userId} and id <> ${own.sessionId}`;
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: 2, ...(cursor !== undefined && { cursor }) };
    const { body } = await me().listSessions({ query });
    seen.push(...body.sessions.map(({ id }) => id));
    cursor = body.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toHaveLength(7);
  expect(new Set(seen).size).toBe(7);
});

test.each(["x", "-1", "9".repeat(19), "2026-01-01"])(
  "a made-up cursor %s is a bad request",
  async (value) => {
    const cursor = encodeCursor("-createdAt", { value, id: randomUUID() });
    expect(await codeOf(me().listSessions({ query: { cursor } }))).toBe("bad_request");
  },
);

test("a session says from where it was made", async () => {
  const expiresAt = new Date(Date.now() + 60_000);
  const link = await createSignInLink(rest.sql, { userId: own.userId, expiresAt }, SCRIPT);
  const answer = await rest.fetch("/api/v1/sessions", {
    method: "POST",
    headers: { "content-type": "application/json", "user-agent": "Test/1.0 ".repeat(100) },
    body: JSON.stringify({ link }),
  });
  const { sessionId } = (await answer.json()) as { sessionId: string };
  const { sessions } = (await me().listSessions()).body;
  const found = sessions.find(({ id }) => id === sessionId);
  expect(found).toMatchObject({ ipAddress: "127.0.0.1", current: false });
  expect(found?.userAgent).toMatch(/^Test\/1\.0 /u);
  expect(found?.userAgent?.length).toBeLessThanOrEqual(300);
});

describe("signing out", () => {
  test("[A3] makes the token worthless at once, for requests and new sockets", async () => {
    const { name } = await tenant.document();
    const url = `ws://127.0.0.1:${rest.node.port}/collaboration`;
    const before = await openWire({ url, name, token: own.token });
    await before.close();
    await me().signOut();
    expect(await codeOf(me().getMe())).toBe("unauthenticated");
    const after = connectWire({ url, name, token: own.token });
    expect((await after.untilClosed()).code).toBe(4401);
    expect(after.denied).toBe("unauthenticated");
  });

  test("one session, by its id; somebody else's does not exist", async () => {
    const other = await anotherSession();
    const stranger = await signedIn(rest.sql, tenant, { member: "admin" });
    const params = { sessionId: other.sessionId };
    expect(await codeOf(rest.client(stranger.token).deleteSession({ params }))).toBe("not_found");
    await rest.client(other.token).getMe();
    await me().deleteSession({ params });
    expect(await codeOf(rest.client(other.token).getMe())).toBe("unauthenticated");
    expect(await codeOf(me().deleteSession({ params }))).toBe("not_found");
    const unknown = { sessionId: randomUUID() };
    expect(await codeOf(me().deleteSession({ params: unknown }))).toBe("not_found");
  });

  test("everywhere but here", async () => {
    const others = [await anotherSession(), await anotherSession()];
    expect((await me().deleteOtherSessions()).body).toEqual({ ended: 2 });
    await me().getMe();
    for (const { token } of others) {
      expect(await codeOf(rest.client(token).getMe())).toBe("unauthenticated");
    }
  });

  test("a token of the host application has no session: it can end others', not itself", async () => {
    const client = rest.client(await jwtOf(own.userId));
    await expect(client.signOut()).rejects.toThrow("has no session here");
    expect(await codeOf(client.signOut())).toBe("bad_request");
    expect((await client.listSessions()).body.sessions).toMatchObject([{ current: false }]);
    expect((await client.deleteOtherSessions()).body).toEqual({ ended: 1 });
    expect(await codeOf(me().getMe())).toBe("unauthenticated");
    await client.getMe();
  });
});

describe("who am I", () => {
  test("a key: whoever made it, its bounds, its end", async () => {
    const expiresAt = new Date(Date.now() + 60_000);
    const { projectId, organizationId, userId } = tenant;
    const { token } = await keyOf(rest.sql, tenant, { projectId, expiresAt });
    const client = rest.client(token);
    expect((await client.getMe()).body).toMatchObject({
      user: { id: userId },
      kind: "key",
      agentId: null,
      scopes: ["docs:read", "docs:write"],
      organizationId,
      projectId,
      role: "editor",
      expiresAt: expiresAt.toISOString(),
    });
  });

  test("sessions are for people: a key is refused", async () => {
    const client = rest.client((await keyOf(rest.sql, tenant)).token);
    const params = { sessionId: randomUUID() };
    const calls = [
      client.listSessions(),
      client.signOut(),
      client.deleteOtherSessions(),
      client.deleteSession({ params }),
      client.updateMe({ body: { name: "Key" } }),
    ];
    const codes = await Promise.all(calls.map(codeOf));
    expect(new Set(codes)).toEqual(new Set(["forbidden"]));
  });

  test("a name can be changed, to one that can be shown", async () => {
    expect((await me().updateMe({ body: { name: " Ann B. " } })).body.user.name).toBe("Ann B.");
    expect((await me().getMe()).body.user.name).toBe("Ann B.");
    for (const name of ["", "a\u0007", "x".repeat(201)]) {
      expect(await codeOf(me().updateMe({ body: { name } }))).toBe("bad_request");
    }
  });
});
