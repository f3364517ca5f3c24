/**
 * The closed set of error codes, and what each means at every door.
 *
 * `http` is the status of an RFC 9457 problem document, `close` the code that
 * a websocket is closed with. A code is part of the public contract: add to
 * the set, never change the meaning of a member.
 */
export const ERRORS = {
  bad_request: { http: 400, close: 4400 },
  bad_frame: { http: 400, close: 4400 },
  bad_update: { http: 400, close: 4400 },
  bad_document_name: { http: 400, close: 4400 },
  bad_content: { http: 400, close: 4400 },
  unknown_target: { http: 422, close: 4400 },
  anchor_not_found: { http: 422, close: 4400 },
  anchor_ambiguous: { http: 409, close: 4400 },
  section_not_found: { http: 422, close: 4400 },
  base_too_old: { http: 409, close: 4400 },
  bad_configuration: { http: 500, close: 4503 },
  unauthenticated: { http: 401, close: 4401 },
  forbidden: { http: 403, close: 4403 },
  not_found: { http: 404, close: 4404 },
  document_not_found: { http: 404, close: 4404 },
  conflict: { http: 409, close: 4400 },
  method_not_allowed: { http: 405, close: 4400 },
  precondition_failed: { http: 412, close: 4400 },
  precondition_required: { http: 428, close: 4400 },
  unsupported_media_type: { http: 415, close: 4400 },
  too_large: { http: 413, close: 4413 },
  too_many_requests: { http: 429, close: 4429 },
  slow_reader: { http: 429, close: 4408 },
  timed_out: { http: 408, close: 4408 },
  document_quarantined: { http: 503, close: 4503 },
  compaction_failed: { http: 500, close: 4503 },
  storage_unavailable: { http: 503, close: 4503 },
  restarting: { http: 503, close: 1012 },
  internal: { http: 500, close: 4503 },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** The one error class: a code of the closed set, a sentence for a person, and the cause if there is one. */
export class ScriptoriumError extends Error {
  readonly code: ErrorCode;
  /** When to come back, ms, where it is known. */
  readonly retryAfterMs: number | undefined;
  constructor(
    code: ErrorCode,
    message: string,
    { retryAfterMs, ...options }: ErrorOptions & { readonly retryAfterMs?: number } = {},
  ) {
    super(message, options);
    this.name = "ScriptoriumError";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Closes an exhaustive switch: the type checker refuses a call that can be reached. */
export function assertNever(value: never): never {
  throw new ScriptoriumError("internal", `Unreachable: ${String(value)}`);
}
