import type { Logger } from "pino";
import { afterAll, afterEach } from "vitest";
import type { TestDatabase } from "./database.ts";
import { startTestNode } from "./node.ts";
import { useTenant, type Tenant } from "./tenant.ts";
import { until } from "./until.ts";
import type { WireClient } from "./wire-client.ts";

/** What most files start with. */
export type World = {
  readonly database: TestDatabase;
  readonly node: Awaited<ReturnType<typeof startTestNode>>;
  readonly tenant: Tenant;
  /** Closed after each test; then no document may be left in memory. */
  readonly clients: WireClient[];
};

/** Gives a file a database of its own, a server in its process and a tenant, and takes them away at the end. */
export async function useWorld(
  environment: Record<string, string> = {},
  logger?: Logger,
): Promise<World> {
  const { database, tenant } = await useTenant();
  const node = await startTestNode(database, environment, logger);
  afterAll(() => node.close());
  const clients: WireClient[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
    await until(() => node.collaboration.documents.getDocumentsCount() === 0, {
      describe: "no document is left in memory",
    });
  });
  return { database, node, tenant, clients };
}
