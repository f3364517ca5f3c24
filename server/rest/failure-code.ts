import type { Logger } from "pino";
import { codeOf } from "../../extensions/refusal.ts";
import { DEADLOCK_DETECTED, errorCode, LOCK_NOT_AVAILABLE } from "../../persistence/database.ts";
import type { ErrorCode } from "../../schema/errors.ts";

/** PostgreSQL let another go first: the same request may succeed in a moment. */
const WAITED_IN_VAIN = [LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED];

/** The code that is told of an error; what is a fault of this server's is logged. */
export function failureCode(logger: Logger, error: unknown, requestId: string): ErrorCode {
  const code = WAITED_IN_VAIN.includes(errorCode(error) ?? "")
    ? "storage_unavailable"
    : codeOf(error);
  if (code === "internal") {
    logger.error({ err: error, requestId }, "request failed");
  } else if (code === "storage_unavailable") {
    logger.warn({ err: error, requestId }, "request failed");
  }
  return code;
}
