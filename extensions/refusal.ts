import { ScriptoriumError, type ErrorCode } from "../schema/errors.ts";
import { isUnavailable } from "../persistence/database.ts";

/**
 * What a hook throws to refuse a document. `reason` goes to the provider in the PermissionDenied frame; the message
 * is empty because Hocuspocus prints every other to the console.
 */
export class Refusal extends Error {
  readonly reason: ErrorCode;
  constructor(reason: ErrorCode, cause: unknown) {
    super("", { cause });
    this.reason = reason;
  }
}

/** The code that a failure inside a hook stands for, whatever was thrown. */
export function codeOf(error: unknown): ErrorCode {
  try {
    if (error instanceof Refusal) return error.reason;
    if (error instanceof ScriptoriumError) return error.code;
    return isUnavailable(error) ? "storage_unavailable" : "internal";
  } catch {
    // A getter of the error threw.
    return "internal";
  }
}
