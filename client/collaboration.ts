import { HocuspocusProvider } from "@hocuspocus/provider";
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { ScriptoriumError } from "../schema/errors.ts";
import { documentName, type Part, parseDocumentName } from "../schema/ids.ts";
import { type Access, createAccess, type Token } from "./access.ts";
import { type Connection, type ConnectionOptions, createConnection } from "./connection.ts";
import { refusalOfClose } from "./refusal.ts";
import type { ReconnectingSocket, SocketWatcher } from "./reconnecting-socket.ts";
import type { SaveStatus } from "./save-state.ts";
import { ClosedError, SaveTracker, type StatusListener } from "./save-tracker.ts";

type DocumentOptions = {
  /** The document's id, a lower-case uuid. */
  documentId: string;
  /** `content` (the text, the default) or `comments` (its discussion, written by the server alone). */
  part?: Part;
  /** A session token, JWT or API key; or a function that gets one. It travels in the auth frame, never in the url. */
  token: Token;
  /** The Yjs document to keep in step; a new one where not given. It is never destroyed here. */
  document?: Y.Doc;
  /** Presence; a new one where not given. `null` sends none, and then an idle socket is renewed every 30 s. */
  awareness?: Awareness | null;
  /** Gather local edits for so many ms into one frame. Every edit travels at once where not given. */
  flushDelayMs?: number;
  onStatus?: StatusListener;
};

/** A socket of its own (`url`), or one shared with other documents (`connection`). */
export type CollaborationOptions = DocumentOptions &
  (ConnectionOptions | { connection: Connection });

/** A document that is kept in step with the server, and knows whether it is saved. */
export type Collaboration = {
  readonly document: Y.Doc;
  readonly awareness: Awareness | null;
  /** The stock provider, for Tiptap's collaboration extensions. Its `hasUnsyncedChanges` is not "saved". */
  readonly provider: HocuspocusProvider;
  readonly status: SaveStatus;
  /** Why the server refused, while `status` is `rejected`; otherwise null. */
  readonly rejection: ScriptoriumError | null;
  /**
   * Resolves when the server has committed every edit made before the call; waits through lost sockets. Rejects
   * with the `rejection` (a ScriptoriumError) when the server refuses, with a ClosedError (`code` "closed") when
   * the collaboration is closed first.
   */
  saved(): Promise<void>;
  /** Calls the listener at every change of status, in the same turn; the answer ends it. */
  on(event: "status", listener: StatusListener): () => void;
  /** Goes offline until `reconnect()`. On a shared connection every document goes. */
  disconnect(): void;
  /**
   * Connects anew at once, with a new token where one is given. The way out of `rejected`; where the server
   * refused an edit, that edit is still in the document and is offered again.
   * @throws ClosedError after `close()`.
   */
  reconnect(token?: Token): void;
  /**
   * Ends it: nothing is sent after the call. Resolves when a socket of its own is gone. It does not wait for
   * acknowledgements: `await saved()` first. Idempotent.
   */
  close(): Promise<void>;
};

/**
 * Opens a document on the server and starts connecting.
 * @throws ScriptoriumError `bad_document_name` for an id that is no uuid, `bad_configuration` for a bad url.
 */
export function createCollaboration(options: CollaborationOptions): Collaboration {
  const parts = createParts(options);
  const { provider, socket, tracker } = parts;
  open(parts);

  let closing: Promise<void> | undefined;
  return {
    document: provider.document,
    awareness: provider.awareness,
    provider,
    get status() {
      return tracker.status;
    },
    get rejection() {
      return tracker.state.at === "rejected" ? tracker.state.error : null;
    },
    saved: () => tracker.saved(),
    on: (_event, listener) => tracker.subscribe(listener),
    disconnect: () => socket.disconnect(),
    reconnect(token) {
      if (closing !== undefined) throw new ClosedError();
      reopen(parts, token);
    },
    close: () => (closing ??= close(parts)),
  };
}

type Parts = {
  provider: HocuspocusProvider;
  socket: ReconnectingSocket;
  tracker: SaveTracker;
  access: Access;
  /** Ends what was begun for this document alone. */
  release: () => Promise<void>;
};

function createParts(options: CollaborationOptions): Parts {
  const { name } = parseDocumentName(documentName(options.documentId, options.part ?? "content"));
  const shared = "connection" in options;
  const connection = shared ? options.connection : createConnection(options);
  const { socket } = connection;
  const tracker = new SaveTracker();
  const access = createAccess(options.token);
  if (options.onStatus !== undefined) tracker.subscribe(options.onStatus);

  const document = options.document ?? new Y.Doc();
  // Before the provider listens: an edit is known to be unsaved before its frame is counted.
  const onUpdate = (_update: Uint8Array, origin: unknown): void => {
    if (origin !== provider) tracker.dispatch({ type: "edited" });
  };
  document.on("update", onUpdate);
  const provider = new HocuspocusProvider({
    name,
    document,
    ...(options.awareness === undefined ? {} : { awareness: options.awareness }),
    websocketProvider: socket,
    token: access.read,
    flushDelay: options.flushDelayMs ?? false,
    // A late acknowledgement of a closed collaboration must not be counted by the next one of the same name.
    sessionAwareness: shared,
  });
  const release = async (): Promise<void> => {
    document.off("update", onUpdate);
    if (!shared) await connection.close();
  };
  return { provider, socket, tracker, access, release };
}

/** Binds what happens on the socket to the save state, and opens the document. */
function open(parts: Parts): void {
  const { provider, socket, tracker, access } = parts;
  socket.watchers.set(provider.effectiveName, createWatcher(parts));
  provider.on("authenticationFailed", ({ reason }: { reason: string }) => {
    const refusal = access.denied(reason);
    if (refusal === null) socket.drop("another attempt");
    else deny(parts, refusal);
  });
  if (socket.isOpen) tracker.dispatch({ type: "opened" });
  provider.attach();
  connect(socket);
}

function reopen({ provider, socket, tracker, access }: Parts, token: Token | undefined): void {
  access.renew(token);
  // A fresh socket: on the old one, frames of the refused session might still be answered.
  socket.drop("reconnect");
  tracker.dispatch({ type: "retried" });
  provider.attach();
  connect(socket);
}

async function close({ provider, socket, tracker, release }: Parts): Promise<void> {
  tracker.end();
  provider.destroy();
  socket.watchers.delete(provider.effectiveName);
  await release();
}

function connect(socket: ReconnectingSocket): void {
  // The stock connect() answers with events; a rejection would be a fault of its own, met by the next attempt.
  socket.connect().catch(() => socket.drop("the attempt failed"));
}

function createWatcher(parts: Parts): SocketWatcher {
  const { socket, tracker, access } = parts;
  const wanted = (): boolean =>
    !(tracker.state.at === "rejected" && tracker.state.what === "access");
  return {
    wanted,
    attempting: () => tracker.dispatch({ type: "attempting" }),
    opened: () => tracker.dispatch({ type: "opened" }),
    sent({ kind }) {
      if (kind === "update" || kind === "step-2") tracker.dispatch({ type: "sent", frame: kind });
    },
    received({ kind }) {
      if (kind === "step-2") {
        tracker.dispatch({ type: "received" });
        access.succeeded();
      } else if (kind === "acknowledged") {
        tracker.dispatch({ type: "acknowledged" });
      } else if (kind === "refused") {
        const error = new ScriptoriumError("forbidden", "The server refused an edit");
        tracker.dispatch({ type: "refused", error });
      } else if (kind === "close") {
        tracker.dispatch({ type: "lost" });
        socket.expectClose();
      }
    },
    lost(closeCode, reason) {
      if (!wanted()) return;
      const refusal = access.final(refusalOfClose(closeCode, reason));
      if (refusal === null) tracker.dispatch({ type: "lost" });
      else deny(parts, refusal);
    },
  };
}

/** The server's no: the document leaves the socket, which ends if no other document wants it. */
function deny({ provider, socket, tracker }: Parts, error: ScriptoriumError): void {
  // First, so that a listener may reconnect at once.
  socket.release(provider);
  tracker.dispatch({ type: "denied", error });
  socket.disconnectIfUnwanted();
}
