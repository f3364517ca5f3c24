import { createHash, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiClient } from "../client/api.ts";
import { SCRIPT } from "../persistence/activities.ts";
import { createSignInLink } from "../persistence/sign-in-links.ts";
import { takesBody } from "../schema/api/contract.ts";
import { api } from "../schema/api/index.ts";
import { runAdmin } from "./support/admin-process.ts";
import { inSeconds, SECRET, SECRET_ENVIRONMENT, signJwt } from "./support/host-application.ts";
import { startOwnPostgres, type OwnPostgres } from "./support/own-postgres.ts";
import { keyOf, signedIn } from "./support/roles.ts";
import type { ServerProcess } from "./support/server-process.ts";
import { useServers } from "./support/servers.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { connectWire, openWire } from "./support/wire-client.ts";

/** One of its own: its log is read. */
let postgres: OwnPostgres;
let tenant: Tenant;
const startServer = useServers();
const METRICS_TOKEN = "a-metrics-token-of-the-test";

beforeAll(async () => {
  postgres = await startOwnPostgres();
  tenant = await createTenant(postgres.database.sql);
});
afterAll(() => postgres.close());

/** Everything that signs in, right and wrong, by kind. */
async function tokens() {
  const { sql } = postgres.database;
  const [user] = await sql<
    { email: string }[]
  >`select email from users where id = ${tenant.userId}`;
  const email = user?.email;
  const { token: key } = await keyOf(sql, tenant);
  const { token: ended, sessionId } = await signedIn(sql, tenant, { member: "admin" });
  await sql`update sessions set revoked_at = now() where id = ${sessionId}`;
  const good = [tenant.token, key, await signJwt({ email })];
  const bad = [
    await signJwt({ email, exp: inSeconds(-60) }),
    await signJwt({ email, organization: "nowhere" }),
    await signJwt({ email: "a-stranger@example.com" }),
    `${key.slice(0, -4)}AAAA`,
    `skunknown0.${key.slice(-43)}`,
    randomUUID(),
    ended,
    "x".repeat(8193),
  ];
  return { good, bad, all: [...good, ...bad] };
}

/** Every route, with a body that is none of its contract: whatever it says of that, the token is not in it. */
async function askEverything(origin: string, token: string): Promise<string[]> {
  return Promise.all(
    Object.values(api).map(async (route) => {
      const path = route.path.replaceAll(/\{\w+\}/gu, randomUUID());
      const answer = await fetch(`${origin}/api/v1${path}?token=${token}`, {
        method: route.method.toUpperCase(),
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          "user-agent": token,
          "x-request-id": token,
          cookie: `token=${token}`,
        },
        ...(takesBody(route) && { body: JSON.stringify({ token }) }),
      });
      return (await isEvents(answer)) ? "" : answer.text();
    }),
  );
}

/** A stream of events has no end to wait for: it is let go. */
async function isEvents({ headers, body }: Response): Promise<boolean> {
  if (headers.get("content-type")?.startsWith("text/event-stream") !== true) return false;
  await body?.cancel();
  return true;
}

/** What must not be found: tokens, their longer parts, and what is stored of them. */
const tracesOf = (secret: string): string[] => [
  secret,
  ...secret.split(".").filter((part) => part.length > 12),
  ...(["hex", "base64", "base64url"] as const).map((encoding) =>
    createHash("sha256").update(secret).digest(encoding),
  ),
];

async function commandLineOf({ child }: ServerProcess): Promise<string> {
  return readFile(`/proc/${child.pid}/cmdline`, "utf8").catch(() => "");
}

test("[A4 T49] no token is in any log, answer, metric or row that is for reading; why one was refused is", async () => {
  const { sql } = postgres.database;
  const { name } = await tenant.document();
  const { good, bad, all } = await tokens();
  const env = { ...postgres.env, ...SECRET_ENVIRONMENT, METRICS_TOKEN };
  const server = await startServer({ env: { ...env, LOG_LEVEL: "trace" } });
  const { url } = server;
  const origin = `http://127.0.0.1:${server.port}`;
  const said: string[] = [await commandLineOf(server)];

  const expiresAt = new Date(Date.now() + 60_000);
  const link = await createSignInLink(sql, { userId: tenant.userId, expiresAt }, SCRIPT);
  const nobody = createApiClient({ url: origin, token: () => null });
  const { token: session } = (await nobody.createSession({ body: { link } })).body;
  await nobody
    .createSession({ body: { link } })
    .catch((error: unknown) => said.push(String(error)));
  for (const token of [...all, session]) {
    if (bad.includes(token)) await connectWire({ url, name, token }).untilClosed();
    else await (await openWire({ url: `${url}?token=${token}`, name, token })).close();
  }
  // An error of PostgreSQL carries the statement with its parameters: here the token's hash.
  await sql`alter table sessions rename to sessions_away`;
  said.push(...(await askEverything(origin, session)));
  await connectWire({ url, name, token: session }).untilClosed();
  await sql`alter table sessions_away rename to sessions`;
  // Last: among everything that is asked is to sign out.
  for (const token of [...all, session]) said.push(...(await askEverything(origin, token)));
  const made: string[] = [];
  for (const command of ["user token", "user link", "key create --name ci --user"]) {
    const [user] = await sql<
      { email: string }[]
    >`select email from users where id = ${tenant.userId}`;
    const run = await runAdmin([...command.split(" "), user?.email ?? "", "--json"], { env });
    const { token, url: shown } = JSON.parse(run.stdout) as { token?: string; url?: string };
    made.push(token ?? shown?.split("#")[1] ?? "");
    said.push(run.stderr);
  }
  for (const command of ["user list", "user activity", "key list", "stats"]) {
    const { stdout, stderr } = await runAdmin(command.split(" "), { env });
    said.push(stdout, stderr);
  }
  const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
  said.push(await (await fetch(`${origin}/metrics`, { headers })).text());
  expect(await server.end("SIGTERM")).toBe(0);
  const rows = await sql<{ text: string }[]>`select to_jsonb(v)::text as text from activities v`;
  said.push(...rows.map(({ text }) => text), await postgres.log());

  const log = server.output();
  expect(log).toContain('"reason":"it has expired"');
  expect(log).toContain('"reason":"there is no organization of that slug"');
  expect(log).toContain("no user has that address");
  expect(log).toContain("/api/v1/sessions");
  expect(log).toContain('relation \\"sessions\\" does not exist');
  const everything = [...said, log].join("\n");
  expect(everything).toContain("sign_in_failed");
  const secrets = [link, session, SECRET, METRICS_TOKEN, ...made, ...all];
  expect(secrets.every((secret) => secret.length > 12)).toBe(true);
  const found = secrets.flatMap(tracesOf).filter((trace) => everything.includes(trace));
  expect(found).toEqual([]);
  expect(log).not.toContain("a-stranger");
  expect(good.length + made.length).toBe(6);
  // Of a bcrypt hash not even its beginning.
  expect(everything).not.toMatch(/\$2[aby]\$\d\d\$/u);
});
