import type { Logger } from "pino";

/** How much of what a library prints is kept: its first words say what it is about. */
const MAX_PRINTED = 200;

/**
 * Logs and counts rejections that nobody caught; the answer tells how many there were so far.
 *
 * A promise that was rejected is something that was not done; what was acknowledged does not depend on it. So the
 * process goes on: else whoever finds one way to provoke it could stop the server for everybody.
 */
export function watchRejections(logger: Logger): () => number {
  let count = 0;
  process.on("unhandledRejection", (error) => {
    count += 1;
    logger.error({ err: error }, "unhandled rejection");
  });
  return () => count;
}

/**
 * An exception that reached the event loop may have left anything half-done: the server stops in order, with exit
 * code 1, and whoever started it starts it again.
 */
export function watchExceptions(logger: Logger, stop: () => void): void {
  process.on("uncaughtException", (error) => {
    logger.fatal({ err: error }, "uncaught exception");
    stop();
  });
}

/** What libraries print becomes lines of the log, so that it can be read, and loses the values of its errors. */
export function logConsole(logger: Logger): void {
  const print = (...printed: unknown[]): void => {
    const [first] = printed;
    const text = typeof first === "string" ? first.slice(0, MAX_PRINTED) : undefined;
    const err = printed.find((each) => each instanceof Error);
    logger.warn({ printed: text, err }, "printed by a library");
  };
  Object.assign(console, { error: print, warn: print, log: print, info: print, debug: print });
}
