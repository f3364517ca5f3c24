/** The server without its check of updates, for the row that measures what the check costs. Never for anybody's documents. */
import type { CheckedUpdate } from "../extensions/update-check.ts";
import { SERVER_APPLICATION } from "../persistence/server-lock.ts";
import { readConfig } from "../server/config.ts";
import { createLogger } from "../server/logger.ts";
import { startNode } from "../server/node.ts";
import { openStorage, prepareSchema } from "../server/storage.ts";

const config = readConfig();
const logger = createLogger(config);
const storage = await openStorage(config, { applicationName: SERVER_APPLICATION, logger });
await prepareSchema(storage, { automatic: true, logger });
const check = (): CheckedUpdate => ({
  fault: null,
  isIncomplete: false,
  news: [],
  newcomers: 0,
  isLarge: false,
  looked: 0,
});
const node = await startNode({ config, storage, logger, check });

const stop = async (): Promise<void> => {
  await node.close();
  await storage.close();
  process.exit(0);
};

process.once("SIGTERM", () => {
  stop().catch(() => process.exit(1));
});
