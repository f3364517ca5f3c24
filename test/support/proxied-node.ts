import { createDatabase } from "../../persistence/database.ts";
import type { Node } from "../../server/node.ts";
import type { TestDatabase } from "./database.ts";
import { startTestNode } from "./node.ts";
import { type PostgresProxy, startPostgresProxy } from "./postgres-proxy.ts";

/** A server inside the test's process that reaches PostgreSQL through a proxy only. */
export type ProxiedNode = {
  readonly node: Node;
  readonly proxy: PostgresProxy;
  readonly url: string;
  close(): Promise<void>;
};

/** Starts both; `environment` is the server's configuration. */
export async function startProxiedNode(
  { location }: Pick<TestDatabase, "location">,
  environment: Record<string, string> = {},
): Promise<ProxiedNode> {
  const proxy = await startPostgresProxy(location);
  const database = createDatabase({ location: proxy.url, applicationName: "scriptorium-server" });
  const node = await startTestNode({ database, location: proxy.url }, environment);
  return {
    node,
    proxy,
    url: node.url,
    close: async () => {
      await node.close();
      // At once: postgres.js waits the whole of its timeout for connections that were cut in a query.
      await database.sql.end({ timeout: 0 });
      await database.close();
      await proxy.close();
    },
  };
}
