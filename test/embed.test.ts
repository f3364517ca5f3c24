import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import type { Node } from "../server/node.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { startTestNode } from "./support/node.ts";
import { freePort } from "./support/server-process.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const EXAMPLE = `${ROOT}docs/examples/embed/server.ts`;

const JWT = {
  JWT_SECRET: "a secret that the two of them share, long enough",
  JWT_ISSUER: "https://host.example",
  JWT_AUDIENCE: "scriptorium",
};

let database: TestDatabase;
let tenant: Tenant;
let node: Node & { readonly url: string };
let host: { readonly child: ChildProcess; readonly address: string };
let documentId: string;
const providers: { destroy(): void }[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database.sql);
  ({ documentId } = await tenant.document());
  const [organization] = await database.sql<{ slug: string }[]>`
    select slug from organizations where id = ${tenant.organizationId}`;
  const port = await freePort();
  const ALLOWED_ORIGINS = `http://127.0.0.1:${port}`;
  node = await startTestNode(database, { ...JWT, JWT_CREATE_USERS: "true", ALLOWED_ORIGINS });
  host = await startHost({
    ...JWT,
    PORT: String(port),
    SERVER: node.url,
    DOCUMENT: documentId,
    ORGANIZATION: organization?.slug ?? "",
  });
});
afterEach(() => {
  for (const provider of providers.splice(0)) provider.destroy();
});
afterAll(async () => {
  host.child.kill();
  await once(host.child, "exit");
  await node.close();
  await database.close();
});

/** Starts the example as README says, and reads where it listens from what it prints. */
async function startHost(env: Record<string, string>): Promise<typeof host> {
  const child = spawn(process.execPath, [EXAMPLE], {
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  await until(() => output.endsWith("\n") || child.exitCode !== null, { timeoutMs: 20_000 });
  expect(output).toMatch(/^http:\/\/127\.0\.0\.1:\d+\n$/u);
  return { child, address: output.trim() };
}

type Session = { url: string; name: string; token: string; user: string };

async function sessionOf(user: string): Promise<Session> {
  const login = await fetch(`${host.address}/as/${user}`, { redirect: "manual" });
  const [cookie = ""] = login.headers.getSetCookie();
  const answer = await fetch(`${host.address}/session`, {
    headers: { cookie: cookie.split(";", 1)[0] ?? "" },
  });
  expect(answer.headers.get("cache-control")).toBe("no-store");
  return (await answer.json()) as Session;
}

/** As a browser opens it: with the origin of the page. */
class PageSocket extends WebSocket {
  constructor(url: string) {
    super(url, { headers: { origin: host.address } });
  }
}

async function open(user: string): Promise<{ provider: HocuspocusProvider; session: Session }> {
  const session = await sessionOf(user);
  const { url, name } = session;
  const token = async (): Promise<string> => (await sessionOf(user)).token;
  const websocketProvider = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: PageSocket });
  const provider = new HocuspocusProvider({ websocketProvider, name, token });
  provider.attach();
  providers.push(provider, websocketProvider);
  await until(() => provider.synced);
  return { provider, session };
}

test("two users of a host application write one document, and it is there over REST", async () => {
  const ada = await open("ada");
  const grace = await open("grace");
  expect([ada.session.user, grace.session.user]).toEqual(["Ada", "Grace"]);
  const paragraph = new Y.XmlElement("paragraph");
  paragraph.insert(0, [new Y.XmlText("Written in the host application")]);
  ada.provider.document.getXmlFragment("default").insert(0, [paragraph]);
  const seen = (): string => grace.provider.document.getXmlFragment("default").toJSON();
  await until(() => seen().includes("Written in the host application"));
  await until(() => !ada.provider.hasUnsyncedChanges);

  const content = `http://127.0.0.1:${node.port}/api/v1/documents/${documentId}/content`;
  const answer = await fetch(`${content}?format=markdown`, {
    headers: { authorization: `Bearer ${grace.session.token}` },
  });
  expect([answer.status, await answer.text()]).toEqual([200, "Written in the host application\n"]);

  const users = await database.sql<{ email: string; name: string }[]>`
    select email, name from users where email like '%@example.com' and name in ('Ada', 'Grace')
    order by name`;
  expect(users).toEqual([
    { email: "ada@example.com", name: "Ada" },
    { email: "grace@example.com", name: "Grace" },
  ]);
});

test("its page and its script are served, whatever they import", async () => {
  const page = await (await fetch(host.address, { headers: { accept: "text/html" } })).text();
  expect(page).toContain('src="/client.ts"');
  // It would open a websocket that nobody answers, and say so on the console.
  expect(page).not.toContain("@vite/client");
  const script = await fetch(`${host.address}/client.ts`);
  const text = await script.text();
  expect(script.headers.get("content-type")).toContain("javascript");
  const imported = [...text.matchAll(/from "(\/[^"]+)"/gu)].map(([, path = ""]) => path);
  expect(imported.length).toBeGreaterThanOrEqual(5);
  const statuses = await Promise.all(
    imported.map(async (path) => (await fetch(host.address + path)).status),
  );
  expect(statuses).toEqual(imported.map(() => 200));
  // Nothing of the application's secret is in what a browser gets.
  expect(page + text).not.toContain(JWT.JWT_SECRET);
});

test("the example is as short as it claims to be", async () => {
  const lines = (await readFile(EXAMPLE, "utf8")).split("\n");
  const code = lines.filter((line) => line.trim() !== "" && !/^\s*(\/\/|\/\*\*)/u.test(line));
  expect(code.length).toBeLessThanOrEqual(45);
});
