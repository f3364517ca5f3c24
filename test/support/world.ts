import { afterAll, afterEach, beforeAll } from "vitest";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { startTestNode } from "./node.ts";
import { createTenant, type Tenant } from "./tenant.ts";
import { until } from "./until.ts";
import type { WireClient } from "./wire-client.ts";

/** What most files start with. It is there from the first test on, not before. */
export type World = {
  readonly database: TestDatabase;
  readonly node: Awaited<ReturnType<typeof startTestNode>>;
  readonly tenant: Tenant;
  /** Closed after each test; then no document may be left in memory. */
  readonly clients: WireClient[];
};

/** Gives a file a database of its own, a server in its process and a tenant, and takes them away at the end. */
export function useWorld(environment: Record<string, string> = {}): World {
  const world: { -readonly [K in keyof World]?: World[K] } & { clients: WireClient[] } = {
    clients: [],
  };
  beforeAll(async () => {
    world.database = await createTestDatabase();
    world.node = await startTestNode(world.database, environment);
    world.tenant = await createTenant(world.database.sql);
  });
  afterEach(async () => {
    for (const client of world.clients.splice(0)) await client.close();
    await until(() => world.node?.collaboration.documents.getDocumentsCount() === 0, {
      describe: "no document is left in memory",
    });
  });
  afterAll(async () => {
    await world.node?.close();
    await world.database?.close();
  });
  return world as World;
}
