/**
 * The editor's side of Scriptorium, for browsers and Node 22 or newer.
 *
 * ```ts
 * const collaboration = createCollaboration({ url: "wss://example.org/collaboration", documentId, token });
 * collaboration.on("status", (status) => show(status));
 * collaboration.document.getText("diagram").insert(0, "graph TD");
 * await collaboration.saved(); // committed by the server's PostgreSQL
 * await collaboration.close();
 *
 * const api = createApiClient({ url: "https://example.org", token: () => token });
 * const { body } = await api.listProjects();
 * ```
 *
 * Source: DESIGN 3 (L1: an acknowledgement leaves after COMMIT), FIELD-NOTES 12 (frames are counted per socket).
 */
export { type Token } from "./access.ts";
export {
  type ApiAnswer,
  type ApiClient,
  ApiError,
  type ApiOptions,
  type CallOptions,
  createApiClient,
  type EventsAnswer,
  type TextAnswer,
} from "./api.ts";
export { type Backoff, DEFAULT_BACKOFF } from "./backoff.ts";
export {
  type Collaboration,
  type CollaborationOptions,
  createCollaboration,
} from "./collaboration.ts";
export { type Connection, type ConnectionOptions, createConnection } from "./connection.ts";
export { type Inbox, type InboxEvent, type InboxOptions, openInbox } from "./inbox.ts";
export {
  createDiscussion,
  type Discussion,
  type DiscussionOptions,
  type DiscussionThread,
} from "./discussion.ts";
export { SAVE_STATUSES, type SaveStatus } from "./save-state.ts";
export { ClosedError, type StatusListener } from "./save-tracker.ts";
