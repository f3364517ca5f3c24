import type { Logger } from "pino";
import { readConfig, type Config } from "./config.ts";
import { createDemo, demoText, linkText } from "./demo.ts";
import { logConsole, watchExceptions, watchRejections } from "./last-resort.ts";
import { createLogger } from "./logger.ts";
import { startNode } from "./node.ts";
import { publicUrl, signInUrl } from "./public-url.ts";
import { SERVER_APPLICATION } from "../persistence/server-lock.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { openStorage, prepareSchema } from "./storage.ts";
import { COLLABORATION_PATH } from "./websocket.ts";

/** A stop that takes longer than this, ms, is ended by force: whoever started us waits 30 s at most. */
const STOP_TIMEOUT_MS = 25_000;

/** Starts the server; the answer stops it again. */
async function start(
  config: Config,
  logger: Logger,
  unhandledRejections: () => number,
): Promise<() => Promise<void>> {
  const storage = await openStorage(config, { applicationName: SERVER_APPLICATION, logger });
  try {
    await prepareSchema(storage, { automatic: config.AUTO_MIGRATE, logger });
    const urlOf = (port: number): string => {
      // With PORT=0 nobody knows the address yet when the demo is printed.
      const base = port === 0 ? `http://${config.HOST}:0` : publicUrl(config, port);
      return `${base.replace(/^http/u, "ws")}${COLLABORATION_PATH}`;
    };
    const demo = await createDemo(storage.database.sql);
    // Before anything else can fail: the token is shown this once.
    if (demo !== null) process.stdout.write(demoText(demo, urlOf(config.PORT)));
    const node = await startNode({ config, storage, logger, unhandledRejections });
    process.stdout.write(`\n  Scriptorium is ready on ${urlOf(node.port)}\n`);
    // Last, because the port is known only now; if the start fails before, `admin user link` makes another.
    const link =
      demo === null ? "" : linkText(signInUrl(publicUrl(config, node.port), demo.linkToken));
    process.stdout.write(`${link}\n`);
    return async () => {
      await node.close();
      await storage.close();
    };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** npm passes a Ctrl-C on that the terminal has sent to everybody already: a repetition within this, ms, is the same one. */
const SAME_SIGNAL_MS = 1000;

/** One signal stops in order, a second one ends at once; an exception that nobody caught stops in order too. */
function stopWhenTold(stop: () => Promise<void>, logger: Logger): void {
  let stoppingSinceMs: number | null = null;
  const begin = (exitCode: 0 | 1): void => {
    stoppingSinceMs = performance.now();
    const timeout = setTimeout(() => {
      logger.error({ afterMs: STOP_TIMEOUT_MS }, "stopped by force");
      process.exit(1);
    }, STOP_TIMEOUT_MS);
    stop().then(
      () => {
        clearTimeout(timeout);
        logger.info({}, "stopped");
        process.exit(exitCode);
      },
      (error: unknown) => {
        logger.error({ err: error }, "stop failed");
        process.exit(1);
      },
    );
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stoppingSinceMs === null) {
      logger.info({ signal }, "stopping");
      begin(0);
    } else if (performance.now() - stoppingSinceMs > SAME_SIGNAL_MS) process.exit(1);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  watchExceptions(logger, () => {
    if (stoppingSinceMs === null) begin(1);
  });
}

try {
  const config = readConfig();
  const logger = createLogger(config);
  logConsole(logger);
  const starting = start(config, logger, watchRejections(logger));
  // A signal during the start is heeded when the start is through: nothing is left half-open.
  stopWhenTold(async () => (await starting)(), logger);
  await starting;
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}

/** For a person: one clear sentence; the stack only when it is a fault of ours. */
function explain(error: unknown): string {
  if (error instanceof ScriptoriumError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
