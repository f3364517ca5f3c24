import type { Context } from "hono";
import type { Problem } from "../../schema/api/common.ts";
import { ERRORS, ScriptoriumError, type ErrorCode } from "../../schema/errors.ts";
import { AmbiguousAnchor } from "./ambiguous-anchor.ts";

/** A sentence each, for whoever reads a problem document: what happened, in general. */
const TITLES: Readonly<Record<ErrorCode, string>> = {
  bad_request: "The request is not well formed",
  bad_frame: "The frame is not well formed",
  bad_update: "The update cannot be read",
  bad_document_name: "This is not a document name",
  bad_content: "The content does not fit the document schema",
  unknown_target: "There is nothing of the kind to mention",
  anchor_not_found: "The quoted text is not in the document",
  anchor_ambiguous: "The quoted text is in the document more than once",
  section_not_found: "There is no such section in the document",
  base_too_old: "The text that this was made on is merged already",
  bad_configuration: "The server is not configured for this",
  unauthenticated: "Not signed in, or no longer",
  forbidden: "Not allowed",
  not_found: "Not found",
  document_not_found: "No such document",
  conflict: "This contradicts what is there",
  method_not_allowed: "This method is not offered here",
  precondition_failed: "It was changed since you read it",
  precondition_required: "Say what you have read, with If-Match",
  unsupported_media_type: "This media type is not taken here",
  too_large: "Too large",
  too_many_requests: "Too many requests",
  slow_reader: "Too slow a reader",
  timed_out: "Nothing came for too long",
  document_quarantined: "The document cannot be loaded whole",
  compaction_failed: "The compaction was not done",
  storage_unavailable: "The database is not available at the moment",
  restarting: "The server is restarting",
  internal: "A fault of this server",
};

/** What is wrong with one part of a request. */
export type Fault = { readonly at: string; readonly message: string };

/** A request that does not fit its contract, with every fault that was found. */
export class FaultyRequest extends ScriptoriumError {
  readonly faults: readonly Fault[];
  constructor(faults: readonly Fault[]) {
    super("bad_request", faults.map(({ at, message }) => `${at}: ${message}`).join("; "));
    this.faults = faults;
  }
}

/** Retry these after a moment; the header says so. */
const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
  storage_unavailable: 2,
  restarting: 5,
  too_many_requests: 1,
};

function retryAfterOf(code: ErrorCode, error: unknown): number | undefined {
  const own = error instanceof ScriptoriumError ? error.retryAfterMs : undefined;
  return own === undefined ? RETRY_AFTER_SECONDS[code] : Math.ceil(own / 1000);
}

type Refused = { readonly code: ErrorCode; readonly error: unknown; readonly requestId: string };

/** What is told of an error. What is not ours to tell (a stack, a statement) stays in the log. */
export function problemOf({ code, error, requestId }: Refused): Problem {
  const known = error instanceof ScriptoriumError && code !== "internal";
  return {
    type: `urn:scriptorium:problem:${code}`,
    title: TITLES[code],
    status: ERRORS[code].http,
    code,
    detail: known ? error.message : TITLES[code],
    requestId,
    ...(error instanceof FaultyRequest && { errors: [...error.faults] }),
    ...(error instanceof AmbiguousAnchor && { candidates: [...error.candidates] }),
  };
}

/** The RFC 9457 answer to an error. */
export function problemResponse(context: Context, refused: Refused): Response {
  const { code, error } = refused;
  const problem = problemOf(refused);
  const retryAfter = retryAfterOf(code, error);
  if (retryAfter !== undefined) context.header("retry-after", String(retryAfter));
  if (code === "unauthenticated") context.header("www-authenticate", "Bearer");
  return context.body(JSON.stringify(problem), ERRORS[code].http, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  });
}
