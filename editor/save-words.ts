import type { Collaboration } from "../client/collaboration.ts";
import { assertNever } from "../schema/errors.ts";

/** How calm or urgent the words are; the style sheet gives each a colour. */
export type Tone = "calm" | "busy" | "warning" | "alarm";

export type SaveWords = { readonly text: string; readonly tone: Tone };

/** What a person reads about the state of his edits. */
export function saveWords(
  { status, rejection }: Pick<Collaboration, "status" | "rejection">,
  readOnly: boolean,
): SaveWords {
  switch (status) {
    case "connecting":
      return { text: "Connecting…", tone: "busy" };
    case "syncing":
      return { text: "Catching up…", tone: "busy" };
    case "saving":
      return { text: "Saving…", tone: "busy" };
    case "saved":
      return { text: readOnly ? "Read only" : "Saved", tone: "calm" };
    case "offline":
      return readOnly
        ? { text: "Offline", tone: "warning" }
        : { text: "Offline: your changes are kept here", tone: "warning" };
    case "rejected":
      return { text: `Not allowed: ${reasonOf(rejection?.code)}`, tone: "alarm" };
    default:
      return assertNever(status);
  }
}

function reasonOf(code: string | undefined): string {
  switch (code) {
    case "unauthenticated":
      return "your sign-in has ended";
    case "document_not_found":
    case "not_found":
      return "the document was deleted, or is no longer shared with you";
    case "forbidden":
      return "the server refused a change";
    case "too_large":
      return "the change is too large";
    case undefined:
    default:
      return "the server refused the document";
  }
}
