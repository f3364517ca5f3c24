import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { documentName } from "../schema/ids.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { figureOf } from "./support/figures.ts";
import { untilReady } from "./support/server-process.ts";
import { useServers } from "./support/servers.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { openWire } from "./support/wire-client.ts";

/** Put into the server's process: a fault for each signal. */
const FAULTS = `
  process.on("SIGUSR2", () => {
    Promise.reject(new Error("nobody waits for this"));
    Promise.reject(Object.defineProperty({}, "message", { get() { throw 1; } }));
    console.error("from a library", new Error("with values"));
  });
  process.on("SIGHUP", () => setImmediate(() => { throw new Error("in the event loop"); }));`;

let database: TestDatabase;
let tenant: Tenant;
const startServer = useServers();

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database.sql);
});
afterAll(() => database.close());

const startFaulty = () => {
  const module = `data:text/javascript,${encodeURIComponent(FAULTS)}`;
  return startServer({ env: { ...database.env, NODE_OPTIONS: `--import=${module}` } });
};

test("[T42] a rejection that nobody caught is logged and counted, and the server goes on", async () => {
  const server = await startFaulty();
  const { documentId } = await tenant.document();
  const name = documentName(documentId, "content");
  const client = await openWire({ url: server.url, name, token: tenant.token });
  expect(await figureOf(server.port, "scriptorium_unhandled_rejections_total")).toBe(0);
  server.child.kill("SIGUSR2");
  await until(() => server.output().includes("printed by a library"));
  expect(await figureOf(server.port, "scriptorium_unhandled_rejections_total")).toBe(2);
  client.document.getText("diagram").insert(0, "goes on");
  await client.answered();
  expect(client.closed).toBeNull();
  await untilReady(server);
  await client.close();
  expect(await server.end("SIGTERM")).toBe(0);
  const lines = server.output().split("\n");
  expect(lines.filter((line) => line.includes('"msg":"unhandled rejection"'))).toHaveLength(2);
  // Every line on standard error is one of the log: nothing was printed past it.
  expect(server.output()).toContain('"printed":"from a library"');
});

test("[T42] an exception that nobody caught stops the server in order, with exit code 1", async () => {
  const server = await startFaulty();
  const { documentId } = await tenant.document();
  const name = documentName(documentId, "content");
  const client = await openWire({ url: server.url, name, token: tenant.token });
  client.document.getText("diagram").insert(0, "kept");
  const ended = once(server.child, "exit");
  server.child.kill("SIGHUP");
  expect(await client.untilClosed()).toEqual({ code: 1012, reason: "restarting" });
  expect((await ended)[0]).toBe(1);
  // Committed and told before the goodbye.
  expect(client.accepted).toBe(client.sent);
  expect(server.output()).toContain('"msg":"uncaught exception"');
});
