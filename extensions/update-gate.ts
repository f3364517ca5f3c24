import type { Connection } from "@hocuspocus/server";
import { OutgoingMessage } from "@hocuspocus/server";
import { messageYjsSyncStep1, messageYjsSyncStep2 } from "y-protocols/sync";
import type { SocketContext } from "./collaboration-socket.ts";
import type { LiveDocument } from "./live-document.ts";
import type { LiveDocuments } from "./live-documents.ts";

/** What Hocuspocus hands to `beforeSync`: the sub-protocol message of y-protocols/sync and its body. */
export type SyncMessage = {
  readonly connection: Connection;
  readonly type: number;
  readonly payload: Uint8Array;
};

/**
 * Takes a client's update into the document and the log, before Hocuspocus would.
 *
 * Hocuspocus swallows what a malformed update throws, and acknowledges it (FIELD-NOTES 13). So the update is applied
 * here, where the outcome is seen, and Hocuspocus is left an empty one: it applies nothing and acknowledges, and the
 * acknowledgement is held by the socket. What is refused here closes the socket, so nothing is acknowledged.
 */
export function receiveSync(documents: LiveDocuments, message: SyncMessage): void {
  const { connection, type, payload } = message;
  if (type === messageYjsSyncStep1) return;
  const context = connection.context as SocketContext;
  const live = documents.live(connection.document.name);
  if (live === undefined || live.discarded || live.document !== connection.document) {
    context.socket.closeFor("restarting");
  } else if (live.log.failure !== null) {
    context.socket.closeFor(live.log.failure.code);
  } else if (live.isReadOnly || connection.readOnly) {
    // Hocuspocus answers: applied if it holds nothing new, else refused (A2).
    connection.readOnly = true;
    return;
  } else if (live.mustWait) {
    context.socket.closeFor("storage_unavailable");
  } else {
    receive(documents, live, message, context);
  }
  spend(payload);
}

function receive(
  documents: LiveDocuments,
  live: LiveDocument,
  { connection, type, payload }: SyncMessage,
  { socket, author }: SocketContext,
): void {
  const address = connection.messageAddress;
  switch (live.receive(payload, author)) {
    case "logged":
      return;
    case "threw":
      documents.discard(live, socket);
      return;
    case "pending": {
      // The answer to SyncStep1 is everything the client has; when that waits too, it can never be whole.
      const asked = socket.isIncomplete(address);
      if (asked && type === messageYjsSyncStep2) documents.discard(live, socket);
      else if (!asked) askForRest(live, connection, socket, address);
    }
  }
}

function askForRest(
  live: LiveDocument,
  connection: Connection,
  socket: SocketContext["socket"],
  address: string,
): void {
  socket.markIncomplete(address);
  live.whenWhole(() => socket.markWhole(address));
  const request = new OutgoingMessage(address)
    .createSyncMessage()
    .writeFirstSyncStepFor(live.document);
  connection.send(request.toUint8Array());
}

/** Two zeros are the empty update: no structs, no deletions. Yjs reads no further. */
const spend = (payload: Uint8Array): void => {
  payload.fill(0, 0, 2);
};
