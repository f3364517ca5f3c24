import { isUtf8 } from "node:buffer";
import { OutgoingMessage } from "@hocuspocus/server";
import { messageYjsSyncStep1 } from "y-protocols/sync";
import { isDocumentName } from "../schema/ids.ts";
import { receiveAwareness } from "./awareness-gate.ts";
import { addressOf, bodyOf, nameIn, type CollaborationSocket } from "./collaboration-socket.ts";
import { FRAME, faultOf } from "./frame-fault.ts";

/**
 * Takes every frame but the updates that went the short way: answers it, passes it over, closes the socket, or passes
 * it on to Hocuspocus, which gets nothing that it cannot read, nothing that is not a client's to send, and no more
 * questions than one client has.
 */
export function receiveFrame(
  socket: CollaborationSocket,
  frame: Uint8Array,
  passOn: (frame: Uint8Array) => void,
): void {
  const address = addressOf(frame);
  // Looked at here: Hocuspocus keeps names in plain objects, which have a `constructor` (FIELD-NOTES 9).
  if (!isAddress(address, frame)) return socket.closeFor("bad_document_name");
  const body = bodyOf(frame);
  const fault = faultOf(body);
  if (fault !== null) return socket.closeFor(fault);
  switch (body[0] ?? -1) {
    case FRAME.auth:
      return receiveToken(socket, { address, frame, passOn });
    case FRAME.sync:
    case FRAME.syncReply:
      return receiveSyncFrame(socket, { address, frame, passOn });
    case FRAME.awareness:
      return receivePresence(socket, address, frame);
    case FRAME.close:
      socket.addresses.forget(address);
      if (isKnown(socket, { address, frame })) passOn(frame);
      return undefined;
    case FRAME.ping:
      return socket.send(toPong(frame));
    case FRAME.stateless:
      // A call (server/rest/socket-calls.ts): of whoever has the document open, and nobody else.
      if (socket.connectionAt(frame) !== undefined) passOn(frame);
      return undefined;
    default:
      // QueryAwareness: everybody's presence comes with the opening. Pong: it was heard.
      return undefined;
  }
}

/** The document is open: what its client said of himself before that is told to the others. */
export function deliverPresence(socket: CollaborationSocket, address: string): void {
  const frame = socket.addresses.opened(address);
  if (frame !== null) receivePresence(socket, address, frame);
}

type Received = { readonly address: string; readonly frame: Uint8Array };
type Passing = Received & { readonly passOn: (frame: Uint8Array) => void };

/** A document name, and where there is a session, a text that is one to everybody who reads it. */
const isAddress = (address: string, frame: Uint8Array): boolean =>
  isDocumentName(nameIn(address)) &&
  !address.endsWith("\0") &&
  isUtf8(frame.subarray(1, 1 + (frame[0] ?? 0)));

const isKnown = (socket: CollaborationSocket, { address, frame }: Received): boolean =>
  socket.addresses.isOpening(address) || socket.connectionAt(frame) !== undefined;

function receiveToken(socket: CollaborationSocket, { address, frame, passOn }: Passing): void {
  const { addresses, allowance } = socket;
  if (!allowance.maySignIn()) {
    allowance.onLimit("asking_per_second");
    socket.closeFor("too_many_requests");
  } else if (isKnown(socket, { address, frame })) passOn(frame);
  else if (addresses.openingCount + socket.openCount >= allowance.documents) {
    allowance.onLimit("documents_per_socket");
    const refusal = new OutgoingMessage(address).writePermissionDenied("too_many_requests");
    socket.send(refusal.toUint8Array());
  } else {
    addresses.opening(address);
    passOn(frame);
  }
}

function receiveSyncFrame(socket: CollaborationSocket, { address, frame, passOn }: Passing): void {
  const { addresses, allowance } = socket;
  const refusal = addresses.refusalOf(address);
  if (refusal !== undefined) return socket.send(refusal);
  // A provider whose token is still being fetched may send what is typed meanwhile: Hocuspocus keeps it for a while.
  const isStrange = !isKnown(socket, { address, frame });
  if (isStrange && !addresses.awaitToken(address)) return socket.closeFor("too_many_requests");
  const asks = bodyOf(frame)[1] === messageYjsSyncStep1;
  // Hocuspocus has the document's own connection answer for a session that nobody has opened.
  const asked = isStrange ? nameIn(address) : address;
  if (asks && !addresses.mayAsk(asked, allowance.asking)) {
    allowance.onLimit("asking_per_second");
    return socket.closeFor("too_many_requests");
  }
  return passOn(frame);
}

function receivePresence(socket: CollaborationSocket, address: string, frame: Uint8Array): void {
  const joined = socket.connectionAt(frame);
  if (joined === undefined) socket.addresses.keepAwareness(address, frame);
  else if (!receiveAwareness(joined.connection, bodyOf(frame))) {
    socket.allowance.onLimit("awareness");
    socket.closeFor("bad_frame");
  }
}

const toPong = (frame: Uint8Array): Uint8Array => {
  const typeAt = 1 + (frame[0] ?? 0);
  const pong = frame.slice(0, typeAt + 1);
  pong[typeAt] = FRAME.pong;
  return pong;
};
