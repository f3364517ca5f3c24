import { afterEach, beforeAll } from "vitest";
import { WebSocket } from "ws";
import type { Sql } from "../../persistence/database.ts";
import { createTestDatabase } from "./database.ts";
import { startTestNode } from "./node.ts";
import { openRaw, type RawSocket } from "./raw-socket.ts";
import { createTenant, type Tenant } from "./tenant.ts";

type TestNode = Awaited<ReturnType<typeof startTestNode>>;

/** Servers with limits of a test's choosing, on one database, and sockets by hand. All are gone after each test. */
export type LimitedNodes = {
  readonly tenant: Tenant;
  readonly sql: Sql;
  start(environment?: Record<string, string>): Promise<TestNode>;
  /** A socket on which nothing was sent yet. */
  raw(node: TestNode): Promise<RawSocket>;
  /** One that has this document open. */
  open(node: TestNode, name: string): Promise<RawSocket>;
  /** How often somebody ran into this limit. */
  reached(node: TestNode, limit: string): Promise<number>;
  /** The status of an upgrade: 101 where the socket opens, 0 where the server hangs up. */
  upgrade(node: TestNode): Promise<number>;
};

/** Gives a file a database and a tenant. */
export function useLimitedNodes(): LimitedNodes {
  let database: Awaited<ReturnType<typeof createTestDatabase>> | undefined;
  let tenant: Tenant | undefined;
  const ends: (() => unknown)[] = [];
  beforeAll(async () => {
    database = await createTestDatabase();
    tenant = await createTenant(database.sql);
    return () => database?.close();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });
  const nodes: LimitedNodes = {
    get tenant() {
      if (tenant === undefined) throw new Error("before the first test");
      return tenant;
    },
    get sql() {
      if (database === undefined) throw new Error("before the first test");
      return database.sql;
    },
    async start(environment = {}) {
      if (database === undefined) throw new Error("before the first test");
      const node = await startTestNode(database, environment);
      ends.push(() => node.close());
      return node;
    },
    async raw({ url }) {
      const socket = await openRaw(url);
      ends.push(() => socket.ws.terminate());
      return socket;
    },
    async open(node, name) {
      const socket = await nodes.raw(node);
      await socket.open(name, nodes.tenant.token);
      return socket;
    },
    async reached({ port }, limit) {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      const line = new RegExp(`limits_reached_total\\{limit="${limit}"\\} (\\d+)`, "u").exec(text);
      return Number(line?.[1]);
    },
    upgrade: ({ url }) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url);
        ends.push(() => socket.terminate());
        socket.on("error", () => undefined);
        socket.once("open", () => resolve(101));
        socket.once("unexpected-response", (_request, { statusCode }) => resolve(statusCode ?? 0));
        socket.once("close", () => resolve(0));
      }),
  };
  return nodes;
}
