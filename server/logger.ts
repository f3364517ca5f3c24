import { pino, stdSerializers, type DestinationStream, type Logger } from "pino";
import type { Config } from "./config.ts";

/**
 * Where PostgreSQL and its driver repeat values: "Failing row contains (…)" holds a whole document, and the
 * parameters of a statement hold anything.
 */
const VALUES = ["detail", "where", "query", "parameters", "args", "internalQuery"];

/** JSON lines. Ids, sizes and times; never text or tokens, so an error loses what repeats values. */
export function createLogger(
  { LOG_LEVEL }: Pick<Config, "LOG_LEVEL">,
  destination: DestinationStream = pino.destination({ fd: 2, sync: false }),
): Logger {
  return pino({ level: LOG_LEVEL, serializers: { err: withoutValues } }, destination);
}

/** Never throws: whatever was thrown stands in the log, even what cannot be read. */
function withoutValues(error: unknown): unknown {
  try {
    if (error instanceof Error) return without(stdSerializers.err(error));
    return { type: typeof error, ...(typeof error === "string" && { message: error }) };
  } catch {
    return { type: "unreadable" };
  }
}

/** Errors that several attempts left behind hang in `aggregateErrors`. */
function without(fields: object): object {
  const kept = Object.entries(fields).filter(([name]) => !VALUES.includes(name));
  return Object.fromEntries(
    kept.map(([name, value]) => [
      name,
      name === "aggregateErrors" && Array.isArray(value) ? value.map(without) : (value as unknown),
    ]),
  );
}
