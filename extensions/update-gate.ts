import { OutgoingMessage, type Connection } from "@hocuspocus/server";
import * as decoding from "lib0/decoding";
import { messageYjsSyncStep2, messageYjsUpdate } from "y-protocols/sync";
import { bodyOf, type CollaborationSocket, type SocketContext } from "./collaboration-socket.ts";
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
  // SyncStep1 asks; what is neither answer nor update is Hocuspocus' to refuse.
  if (message.type !== messageYjsSyncStep2 && message.type !== messageYjsUpdate) return;
  if (admit(documents, message)) spend(message.payload);
}

/**
 * Takes an Update frame the short way, past Hocuspocus' queue, its promise chains and its second application of
 * the update: server CPU 1.37 → 1.27 × plain Hocuspocus on the day it was added (npm run bench -- --only fan-out).
 * Answers false for every other frame, and while an earlier one is still being handled: order is kept.
 */
export function receiveUpdateFrame(
  documents: LiveDocuments,
  socket: CollaborationSocket,
  frame: Uint8Array,
): boolean {
  const body = bodyOf(frame);
  if (body[0] !== MESSAGE_SYNC || body[1] !== messageYjsUpdate) return false;
  const joined = socket.connectionAt(frame);
  if (joined === undefined || joined.connection.readOnly) return false;
  if (joined.connection["messageQueue"].length > 0) return false;
  const payload = readPayload(body);
  if (payload === null) {
    socket.closeFor("bad_frame");
    return true;
  }
  const { connection, acknowledgement } = joined;
  if (!admit(documents, { connection, type: messageYjsUpdate, payload })) return false;
  socket.send(acknowledgement);
  return true;
}

const MESSAGE_SYNC = 0;

/** What of one client may wait for a missing update: as much as one frame holds. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** The update in a sync message: two bytes of types, its length, its bytes. Null when they are not all there. */
function readPayload(body: Uint8Array): Uint8Array | null {
  try {
    const decoder = decoding.createDecoder(body);
    decoder.pos = 2;
    const payload = decoding.readVarUint8Array(decoder);
    // lib0 does not look where the body ends, only where its memory does.
    return decoder.pos > body.length ? null : payload;
  } catch {
    return null;
  }
}

/** Answers false when Hocuspocus has to answer: to those who may only read. */
function admit(documents: LiveDocuments, message: SyncMessage): boolean {
  const { connection } = message;
  const context = connection.context as SocketContext;
  const live = documents.live(connection.document.name);
  if (live === undefined || live.discarded || live.document !== connection.document) {
    context.socket.closeFor("restarting");
  } else if (live.log.failure !== null) {
    context.socket.closeFor(live.log.failure.code);
  } else if (live.isReadOnly || connection.readOnly) {
    // Hocuspocus answers: applied if it holds nothing new, else refused (A2).
    connection.readOnly = true;
    return false;
  } else if (live.mustWait) {
    context.socket.closeFor("storage_unavailable");
  } else {
    receive(documents, live, message, context);
  }
  return true;
}

function receive(
  documents: LiveDocuments,
  live: LiveDocument,
  { connection, type, payload }: SyncMessage,
  { socket, author }: SocketContext,
): void {
  const address = connection.messageAddress;
  const before = socket.waitingAt(address);
  const reception = live.receive(payload, author, before);
  if (reception === "unreadable") socket.closeFor("bad_update");
  else if (reception === "threw") documents.discard(live, socket);
  else if (reception === "logged") {
    if (before !== null) socket.markWhole(address);
  } else {
    const { waiting } = reception;
    socket.setWaiting(address, waiting);
    if (before === null) askForRest(live, connection);
    // The answer to SyncStep1 is everything the client has; when that waits too, it can never be whole.
    else if (type === messageYjsSyncStep2 || waiting.length > MAX_WAITING_BYTES) {
      socket.closeFor("bad_update");
    }
  }
}

function askForRest(live: LiveDocument, connection: Connection): void {
  const request = new OutgoingMessage(connection.messageAddress)
    .createSyncMessage()
    .writeFirstSyncStepFor(live.document);
  connection.send(request.toUint8Array());
}

/** Two zeros are the empty update: no structs, no deletions. Yjs reads no further. */
const spend = (payload: Uint8Array): void => {
  payload.fill(0, 0, 2);
};
