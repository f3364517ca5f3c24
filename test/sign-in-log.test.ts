import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SCRIPT } from "../persistence/activities.ts";
import { createSignInLink } from "../persistence/sign-in-links.ts";
import { createApiClient } from "../client/api.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { inSeconds, SECRET, SECRET_ENVIRONMENT, signJwt } from "./support/host-application.ts";
import { keyOf } from "./support/roles.ts";
import { useServers } from "./support/servers.ts";
import { createTenant } from "./support/tenant.ts";
import { connectWire, openWire } from "./support/wire-client.ts";

let database: TestDatabase;
const startServer = useServers();

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

test("no token is in the log, at whatever level; why one was refused is", async () => {
  const { sql } = database;
  const tenant = await createTenant(sql);
  const [user] = await sql<
    { email: string }[]
  >`select email from users where id = ${tenant.userId}`;
  const email = user?.email;
  const { name } = await tenant.document();
  const server = await startServer({
    env: { ...database.env, ...SECRET_ENVIRONMENT, LOG_LEVEL: "trace" },
  });
  const call = (token: string | null) =>
    createApiClient({ url: `http://127.0.0.1:${server.port}`, token: () => token });
  const expiresAt = new Date(Date.now() + 60_000);
  const link = await createSignInLink(sql, { userId: tenant.userId, expiresAt }, SCRIPT);
  const { token: session } = (await call(null).createSession({ body: { link } })).body;
  await call(null)
    .createSession({ body: { link } })
    .catch(() => undefined);
  const { token: key } = await keyOf(sql, tenant);
  const good = [session, key, await signJwt({ email }), tenant.token];
  const bad = [
    await signJwt({ email, exp: inSeconds(-60) }),
    await signJwt({ email, organization: "nowhere" }),
    await signJwt({ email: "a-stranger@example.com" }),
    `${key.slice(0, -4)}AAAA`,
    randomUUID(),
  ];
  for (const token of [...good, ...bad]) {
    await call(token)
      .getMe()
      .catch(() => undefined);
    if (good.includes(token)) await (await openWire({ url: server.url, name, token })).close();
    else await connectWire({ url: server.url, name, token }).untilClosed();
  }
  await call(session).signOut();
  await server.end("SIGTERM");

  const log = server.output();
  expect(log).toContain('"reason":"it has expired"');
  expect(log).toContain('"reason":"there is no organization of that slug"');
  expect(log).toContain("no user has that address");
  expect(log).toContain("/api/v1/sessions");
  for (const secret of [link, SECRET, ...good, ...bad]) {
    expect(log).not.toContain(secret);
    // Nor a part of it: the claims of a token are as good as the person's address.
    for (const part of secret.split(".").filter((each) => each.length > 12)) {
      expect(log).not.toContain(part);
    }
  }
  expect(log).not.toContain("a-stranger");
});
