import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { Problem } from "../../schema/api/common.ts";
import type { ErrorCode } from "../../schema/errors.ts";

const COME_BACK =
  "Wait a few seconds and call again, with the same idempotencyKey where the tool takes one.";
const LOOK_AGAIN =
  "Check the id with list_documents, search or list_threads. What you may not read looks as if it were not there.";

/** What a model does about an error. */
export const ADVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  bad_request: "Correct the arguments that are named and call again.",
  bad_content: "Send plain Markdown in `markdown` instead, or correct the place that is named.",
  unknown_target: "Mention only who and what you have read the id of, or leave the mention out.",
  anchor_not_found:
    "Read the document again and quote words exactly as a reader sees them: without Markdown signs, not across two paragraphs. Or leave the anchor out.",
  anchor_ambiguous:
    "Call again with one of the candidates as the anchor: its quote, before, after and sectionId.",
  section_not_found: "Read the outline again and name one of its sections.",
  base_too_old: "Read the document again and send the seq that it is at now.",
  unauthenticated: "Your key is worth nothing any more. Ask whoever gave it to you for another.",
  forbidden:
    "Do not try again: your key may not do this. who_am_i tells its role and scopes; ask whoever gave it to you.",
  not_found: LOOK_AGAIN,
  document_not_found: LOOK_AGAIN,
  conflict:
    "Read what is there now and decide anew. An idempotencyKey is for one call and its repetitions only.",
  precondition_failed:
    "Somebody was faster. Read it again, decide anew, and send its new etag as ifMatch.",
  precondition_required: "Read it first and send its etag as ifMatch.",
  too_large: "Send less: shorten it, or split it into several calls.",
  unsupported_media_type: "Report this to whoever runs the server.",
  too_many_requests: COME_BACK,
  document_quarantined:
    "The document can be read but not changed until an administrator has repaired it. Tell him.",
  storage_unavailable: COME_BACK,
  restarting: COME_BACK,
  internal: "Report the requestId to whoever runs the server. Calling again may help.",
};

/** What is told of a refusal: a text to act on, then the problem document as JSON. */
export function refusalOf(told: Problem): CallToolResult {
  const problem = withArguments(told);
  const { code, detail } = problem;
  const advice = ADVICE[code];
  const text = [`${code}: ${detail}`, ...(advice === undefined ? [] : [advice])].join("\n");
  return {
    isError: true,
    content: [
      { type: "text", text },
      { type: "text", text: JSON.stringify(problem) },
    ],
  };
}

/** REST says in which part of the request a fault is; a tool has only arguments. */
function withArguments(problem: Problem): Problem {
  if (problem.errors === undefined) return problem;
  const errors = problem.errors.map(({ at, message }) => ({
    at: at.split(".").slice(1).join("."),
    message,
  }));
  const detail = errors
    .map(({ at, message }) => (at === "" ? message : `${at}: ${message}`))
    .join("; ");
  return { ...problem, detail, errors };
}
