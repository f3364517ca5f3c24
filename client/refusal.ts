import { ERRORS, type ErrorCode, ScriptoriumError } from "../schema/errors.ts";

/** Close codes after which coming back with the same request is pointless, and what each means without a reason. */
const REFUSING_CLOSE_CODES: Readonly<Record<number, ErrorCode>> = {
  // RFC 6455: the ws server itself refuses a frame over maxPayload; the same SyncStep2 would follow every reconnect.
  1009: "too_large",
  4400: "bad_frame",
  4401: "unauthenticated",
  4403: "forbidden",
  4404: "document_not_found",
  4413: "too_large",
};

const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERRORS, text);

/** The refusal in a socket's close event; null when the client should simply come back (1006, 1012, 4408, 4429, 4503, …). */
export function refusalOfClose(closeCode: number, reason: string): ScriptoriumError | null {
  const fallback = REFUSING_CLOSE_CODES[closeCode];
  if (fallback === undefined) return null;
  const code = isErrorCode(reason) ? reason : fallback;
  return new ScriptoriumError(code, `The server closed the connection: ${code} (${closeCode})`);
}

/**
 * The refusal in a PermissionDenied frame, whose reason is an error code. Null when the code only asks to come
 * back later. A reason that is no code (plain Hocuspocus says "permission-denied") means `forbidden`.
 */
export function refusalOfReason(reason: string): ScriptoriumError | null {
  const code = isErrorCode(reason) ? reason : "forbidden";
  if (REFUSING_CLOSE_CODES[ERRORS[code].close] === undefined) return null;
  return new ScriptoriumError(code, `The server refused to open the document: ${code}`);
}
