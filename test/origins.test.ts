import { once } from "node:events";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createOrigins } from "../server/origins.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { startTestNode } from "./support/node.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { openWire } from "./support/wire-client.ts";

const APP = "https://app.example.com";

let database: TestDatabase;
let tenant: Tenant;
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database.sql);
  return () => database.close();
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function startNode(environment: Record<string, string> = {}) {
  const node = await startTestNode(database, environment);
  ends.push(() => node.close());
  return node;
}

/** The status an upgrade is answered with; 101 where the socket opened. */
async function upgrade(url: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(url, { headers });
  const opened = once(socket, "open").then(() => 101);
  const refused = new Promise<number>((resolve) => {
    socket.once("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
  });
  opened.catch(() => undefined);
  socket.on("error", () => undefined);
  const status = await Promise.race([opened, refused]);
  socket.terminate();
  return status;
}

test("[T49] a socket opens for this server's own page and for listed ones, and for no other page", async () => {
  const node = await startNode({ ALLOWED_ORIGINS: `${APP}, http://127.0.0.1:3000` });
  const own = `http://127.0.0.1:${node.port}`;
  const statuses = await Promise.all(
    [own, APP, "http://127.0.0.1:3000", "https://evil.example", `${APP}.evil.example`, "null"].map(
      (origin) => upgrade(node.url, { origin }),
    ),
  );
  expect(statuses).toEqual([101, 101, 101, 403, 403, 403]);
  const metrics = await (await fetch(`${own}/metrics`)).text();
  expect(metrics).toContain('scriptorium_limits_reached_total{limit="origin"} 3');
});

test("[T49] without ALLOWED_ORIGINS only the own page is admitted, by its public address too", async () => {
  const node = await startNode({ PUBLIC_URL: "https://docs.example.com/" });
  const own = [`http://127.0.0.1:${node.port}`, "https://docs.example.com"];
  const foreign = [APP, "https://docs.example.com:444", "http://docs.example.com"];
  const ask = (origin: string): Promise<number> => upgrade(node.url, { origin });
  expect(await Promise.all(own.map(ask))).toEqual([101, 101]);
  expect(await Promise.all(foreign.map(ask))).toEqual([403, 403, 403]);
});

test("[T49] a program sends no Origin and writes, unless REQUIRE_ORIGIN says that sockets are for browsers", async () => {
  const open = await startNode();
  const { name } = await tenant.document();
  const client = await openWire({ url: open.url, name, token: tenant.token });
  client.document.getText("diagram").insert(0, "graph TD");
  await client.answered();
  expect(client.accepted).toBeGreaterThan(0);
  await client.close();
  const closed = await startNode({ REQUIRE_ORIGIN: "true" });
  expect(await upgrade(closed.url, {})).toBe(403);
  expect(await upgrade(closed.url, { origin: `http://127.0.0.1:${closed.port}` })).toBe(101);
});

test.each([
  ["https://docs.example.com", "docs.example.com", true],
  ["https://DOCS.example.com", "docs.example.com", true],
  ["http://[::1]:8787", "[::1]:8787", true],
  ["https://docs.example.com.evil.example", "docs.example.com", false],
  ["https://docs.example.com@evil.example", "docs.example.com", false],
  ["file://docs.example.com", "docs.example.com", false],
  ["https://", "", false],
  ["", "", false],
])("the page of %j on host %j is our own: %s", (origin, host, expected) => {
  const { admits } = createOrigins({ listed: [], publicUrl: undefined, isRequired: false });
  expect(admits({ headers: { origin, host } } as Parameters<typeof admits>[0])).toBe(expected);
});

describe("REST from another page", () => {
  const ask = (port: number, init: RequestInit): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/api/v1/me`, init);
  const question = (origin: string): RequestInit => ({
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "GET",
      "access-control-request-headers": "authorization",
    },
  });
  const corsOf = ({ headers }: Response): string[] =>
    [...headers.keys()].filter((name) => name.startsWith("access-control-"));

  test("is let in from a listed origin, with a token and never with a cookie", async () => {
    const { port } = await startNode({ ALLOWED_ORIGINS: APP });
    const preflight = await ask(port, question(APP));
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(APP);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
    const authorization = `Bearer ${tenant.token}`;
    const answer = await ask(port, { headers: { origin: APP, authorization } });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, APP]);
    expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
    // A refusal can be read too: its code says what to do.
    const refused = await ask(port, { headers: { origin: APP } });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([
      401,
      APP,
    ]);
  });

  test("is told nothing from any other", async () => {
    const listing = await startNode({ ALLOWED_ORIGINS: APP });
    const plain = await startNode();
    for (const { port } of [listing, plain]) {
      for (const init of [question("https://evil.example"), { headers: { origin: "null" } }]) {
        const answer = await ask(port, init);
        expect(corsOf(answer)).toEqual([]);
        expect(answer.headers.get("vary")).toBe("origin");
      }
    }
  });
});
