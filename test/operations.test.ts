import { randomUUID } from "node:crypto";
import { HocuspocusProvider } from "@hocuspocus/provider";
import { SignJWT } from "jose";
import { expect, test } from "vitest";
import { createLogger } from "../server/logger.ts";
import { runAdmin } from "./support/admin-process.ts";
import type { ServerProcess } from "./support/server-process.ts";
import { useServers } from "./support/servers.ts";
import { useTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

const startServer = useServers();
const { database, tenant } = await useTenant();

const METRICS_TOKEN = "metrics-0123456789abcdef";
const JWT = {
  JWT_SECRET: "a secret of thirty-two bytes or a few more",
  JWT_ISSUER: "https://host.example",
  JWT_AUDIENCE: "scriptorium",
};

type Line = { readonly msg: string; readonly level: number } & Readonly<Record<string, unknown>>;

/** What the server logged; what it told a person on standard output is not JSON. */
const linesOf = (server: ServerProcess): Line[] =>
  server
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line);

async function createKey(): Promise<string> {
  const [user] = await database.sql<{ email: string; slug: string }[]>`
    select u.email, o.slug from users u, organizations o
    where u.id = ${tenant.userId} and o.id = ${tenant.organizationId}`;
  const call = ["key", "create", "--user", user?.email ?? "", "--organization", user?.slug ?? ""];
  const { stdout } = await runAdmin([...call, "--name", "log", "--role", "viewer", "--json"], {
    env: database.env,
  });
  const key = /[A-Za-z0-9_]{4,32}\.[A-Za-z0-9_-]{20,64}/u.exec(stdout)?.[0] ?? "";
  expect(key).not.toBe("");
  return key;
}

const signJwt = (secret: string): Promise<string> =>
  new SignJWT({ email: `${randomUUID()}@example.com` })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("1")
    .setIssuer(JWT.JWT_ISSUER)
    .setAudience(JWT.JWT_AUDIENCE)
    .setExpirationTime("1 minute")
    .sign(new TextEncoder().encode(secret));

/** Opens the document, writes if it may, and goes; answers when the socket is closed. */
async function visit(url: string, name: string, token: string, text?: string): Promise<void> {
  const provider = new HocuspocusProvider({ url, name, token });
  let refused = false;
  provider.on("authenticationFailed", () => {
    refused = true;
    provider.destroy();
  });
  await until(() => provider.synced || refused, { describe: "opened or refused" });
  if (text !== undefined) {
    provider.document.getText("diagram").insert(0, text);
    await until(() => !provider.hasUnsyncedChanges);
  }
  provider.destroy();
}

test("LOG_LEVEL=debug: a request and a socket can be followed, and no token and no text is in the log", async () => {
  const env = { ...database.env, ...JWT, LOG_LEVEL: "debug", METRICS_TOKEN };
  const server = await startServer({ env });
  const { documentId, name } = await tenant.document();
  const key = await createKey();
  const text = "what-somebody-typed";
  const bad = {
    session: "no-such-session-at-all",
    key: "abcd1234.00000000000000000000000000000000",
    forged: await signJwt("another secret of thirty-two bytes, or so"),
    unknown: await signJwt(JWT.JWT_SECRET),
  };
  await visit(server.url, name, tenant.token, text);
  await visit(server.url, name, key);
  for (const token of Object.values(bad)) await visit(server.url, name, token);
  await visit(`${server.url}?token=${tenant.token}`, name, tenant.token);

  const origin = `http://127.0.0.1:${server.port}`;
  const ids: string[] = [];
  for (const token of [tenant.token, key, ...Object.values(bad)]) {
    const answer = await fetch(`${origin}/api/v1/documents/${documentId}?token=${token}`, {
      headers: { authorization: `Bearer ${token}`, "x-request-id": token },
    });
    const requestId = answer.headers.get("x-request-id") ?? "";
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/u);
    ids.push(requestId);
  }
  await fetch(`${origin}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } });
  await fetch(`${origin}/metrics`, { headers: { authorization: "Bearer wrong-metrics-token" } });
  expect(await server.end("SIGTERM")).toBe(0);

  const output = server.output();
  const secrets = [tenant.token, key, ...Object.values(bad), METRICS_TOKEN, JWT.JWT_SECRET];
  expect([...secrets, "wrong-metrics-token", text].filter((each) => output.includes(each))).toEqual(
    [],
  );
  // A part of a token is as bad: the secret half of a key, the signature of a JWT.
  const parts = [...secrets, text]
    .flatMap((each) => each.split("."))
    .filter((each) => each.length > 15);
  expect(parts.filter((each) => output.includes(each))).toEqual([]);

  const lines = linesOf(server);
  const requests = lines.filter(({ msg }) => msg === "request");
  expect(ids.map((id) => requests.filter(({ requestId }) => requestId === id).length)).toEqual(
    ids.map(() => 1),
  );
  expectSockets(lines, name);
});

/** Every socket is told by one id from its opening to its close. */
function expectSockets(lines: readonly Line[], documentName: string): void {
  const of = (message: string): Line[] => lines.filter(({ msg }) => msg === message);
  const opened = of("socket opened").map(({ connectionId }) => connectionId);
  expect(new Set(opened).size).toBe(opened.length);
  expect(opened.length).toBeGreaterThanOrEqual(7);
  const closed = of("socket closed").map(({ connectionId }) => connectionId);
  expect([new Set(closed), closed.length]).toEqual([new Set(opened), opened.length]);
  const story = (connectionId: unknown): string[] =>
    lines.filter((line) => line["connectionId"] === connectionId).map(({ msg }) => msg);
  expect(story(opened[0])).toEqual(["socket opened", "document opened", "socket closed"]);
  const [first] = of("document opened");
  expect(first).toMatchObject({ documentName, userId: tenant.userId, readOnly: false });
  const refused = of("sign-in refused");
  expect(refused.map(({ code }) => code)).toEqual(refused.map(() => "unauthenticated"));
  expect(refused.length).toBeGreaterThanOrEqual(4);
  expect(story(refused[0]?.["connectionId"])).toEqual([
    "socket opened",
    "sign-in refused",
    "socket closed",
  ]);
}

test("an error of PostgreSQL loses what repeats values on its way into the log", async () => {
  let written = "";
  const logger = createLogger({ LOG_LEVEL: "info" }, { write: (line) => void (written += line) });
  const text = "a whole document";
  const failed = await database.sql`
    insert into documents (project_id, type, title, slug)
    values (${tenant.projectId}, 'no such type', ${text}, ${text})`.catch(
    (error: unknown) => error,
  );
  expect(JSON.stringify({ ...(failed as object) })).toContain(text);
  logger.error({ err: failed }, "request failed");
  logger.error({ err: new AggregateError([failed], "two attempts") }, "request failed");
  expect(written).not.toContain(text);
  const [line = ""] = written.split("\n");
  expect(JSON.parse(line)).toMatchObject({
    msg: "request failed",
    err: { type: "PostgresError", code: "23514", stack: expect.stringContaining("PostgresError") },
  });
});
