import { type Logger, pino } from "pino";
import { parseConfig } from "../../server/config.ts";
import { startNode, type Node } from "../../server/node.ts";
import type { TestDatabase } from "./database.ts";

/** A server inside the test's process, on the test's database: for looking at what it holds. It is silent unless a log is given. */
export async function startTestNode(
  { database, location }: Pick<TestDatabase, "database" | "location">,
  environment: Record<string, string> = {},
  logger: Logger = pino({ level: process.env["TEST_LOG_LEVEL"] ?? "silent" }),
): Promise<Node & { readonly url: string }> {
  const node = await startNode({
    config: parseConfig({ PORT: "0", ...environment }),
    storage: { database, location, embedded: false },
    logger,
  });
  return Object.assign(node, { url: `ws://127.0.0.1:${node.port}/collaboration` });
}
