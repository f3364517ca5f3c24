import { CommanderError } from "commander";
import { errorCode, isUnavailable } from "../../persistence/database.ts";
import { ScriptoriumError, type ErrorCode } from "../../schema/errors.ts";

/** 0: done. 1: failed, or problems were found. 2: called wrongly, nothing was tried. */
export type ExitCode = 0 | 1 | 2;

type Failure = { readonly code: ErrorCode; readonly message: string; readonly stack?: string };

/** Says on standard error why a command failed, as one sentence or as `{ error: { code, message } }`; answers the exit code. */
export function reportFailure(error: unknown, { json }: { json: boolean }): ExitCode {
  // `--help` arrives here too: commander has written it already.
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const { code, message, stack } = describeFailure(error);
  if (json) console.error(JSON.stringify({ error: { code, message } }));
  else if (!isPrinted(error)) console.error(stack ?? message);
  return code === "bad_request" ? 2 : 1;
}

/** The code and the sentence for whatever was thrown; the stack only where the fault is ours. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof ScriptoriumError) return { code: error.code, message: error.message };
  if (error instanceof CommanderError) {
    return { code: "bad_request", message: error.message.replace(/^error: /u, "") };
  }
  if (!(error instanceof Error)) return { code: "internal", message: String(error) };
  if ("path" in error && "syscall" in error) return describeFileError(error);
  if (isUnavailable(error)) {
    const reason = error.message === "" ? errorCode(error) : error.message;
    return { code: "storage_unavailable", message: `PostgreSQL went away: ${String(reason)}` };
  }
  return { code: "internal", message: error.message, stack: error.stack ?? error.message };
}

/** True when what failed for one document or file would fail for the next one too: a lost database, a full disk. */
export function endsRun(error: unknown): boolean {
  if (error instanceof ScriptoriumError || (error instanceof Error && "path" in error)) {
    return describeFailure(error).code === "storage_unavailable";
  }
  return isUnavailable(error);
}

const FILE_ERRORS: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "not_found",
  EACCES: "forbidden",
  EPERM: "forbidden",
  ENOSPC: "storage_unavailable",
};

/** A missing file, a folder without permission: Node's sentence says which and why. */
function describeFileError(error: Error): Failure {
  return { code: FILE_ERRORS[errorCode(error) ?? ""] ?? "conflict", message: error.message };
}

/** Commander prints its own sentences; a bare `admin` prints the help instead. */
const isPrinted = (error: unknown): boolean => error instanceof CommanderError;
