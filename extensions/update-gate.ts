import { OutgoingMessage, type Connection } from "@hocuspocus/server";
import * as decoding from "lib0/decoding";
import type { Logger } from "pino";
import { messageYjsSyncStep2, messageYjsUpdate } from "y-protocols/sync";
import * as Y from "yjs";
import { bodyOf, type CollaborationSocket, type SocketContext } from "./collaboration-socket.ts";
import type { LiveDocument } from "./live-document.ts";
import type { LiveDocuments } from "./live-documents.ts";
import { NewClients } from "./new-clients.ts";
import {
  type CheckedUpdate,
  type DecodedUpdate,
  UPDATE_FAULTS,
  type UpdateFault,
  type UpdateLimits,
} from "./update-check.ts";

/** What Hocuspocus hands to `beforeSync`: the sub-protocol message of y-protocols/sync and its body. */
export type SyncMessage = {
  readonly connection: Connection;
  readonly type: number;
  readonly payload: Uint8Array;
};

/** What may come in at once. */
export type GateLimits = {
  readonly update: UpdateLimits & { readonly maxBytes: number };
  readonly firstSync: UpdateLimits & { readonly maxBytes: number };
  /** New Yjs client ids of one author in one document in an hour. */
  readonly maxNewClients: number;
};

/** What the gate needs to know and whom it tells. */
export type GateOptions = {
  readonly limits: GateLimits;
  readonly check: (update: DecodedUpdate, doc: Y.Doc, limits: UpdateLimits) => CheckedUpdate;
  readonly logger: Logger;
  readonly onRefused: (fault: UpdateFault) => void;
};

const MESSAGE_SYNC = 0;

/** What of one client may wait for a missing update: a second's work, and the answer is on its way. */
const MAX_WAITING_UPDATES = 1000;

/**
 * Takes a client's update into the document and the log, before Hocuspocus would.
 *
 * Hocuspocus swallows what a malformed update throws, and acknowledges it (FIELD-NOTES 13). So the update is checked
 * and applied here, where the outcome is seen, and Hocuspocus is left an empty one: it applies nothing and
 * acknowledges, and the acknowledgement is held by the socket. What is refused here closes the socket, so nothing is
 * acknowledged.
 */
export class UpdateGate {
  readonly #documents: LiveDocuments;
  readonly #options: GateOptions;
  readonly #newClients: NewClients;

  constructor(documents: LiveDocuments, options: GateOptions) {
    this.#documents = documents;
    this.#options = options;
    this.#newClients = new NewClients(options.limits.maxNewClients);
  }

  /** What goes through Hocuspocus. SyncStep1 asks; what is neither answer nor update is Hocuspocus' to refuse. */
  receiveSync(message: SyncMessage): void {
    if (message.type !== messageYjsSyncStep2 && message.type !== messageYjsUpdate) return;
    if (this.#admit(message)) spend(message.payload);
  }

  /**
   * Takes an Update frame the short way, past Hocuspocus' queue, its promise chains and its second application of
   * the update: server CPU 1.37 → 1.27 × plain Hocuspocus on the day it was added (npm run bench -- --only fan-out).
   * Answers false for every other frame, and while an earlier one is still being handled: order is kept.
   */
  receiveFrame(socket: CollaborationSocket, frame: Uint8Array): boolean {
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
    if (!this.#admit({ connection, type: messageYjsUpdate, payload })) return false;
    socket.send(acknowledgement);
    return true;
  }

  /** Answers false when Hocuspocus has to answer: to those who may only read. */
  #admit(message: SyncMessage): boolean {
    const { connection } = message;
    const { socket } = connection.context as SocketContext;
    // What still lay in a queue when the socket was cut is nobody's any more [A3].
    if (socket.isCut) return true;
    const live = this.#documents.live(connection.document.name);
    if (live === undefined || live.discarded || live.document !== connection.document) {
      socket.closeFor("restarting");
    } else if (live.log.failure !== null) {
      socket.closeFor(live.log.failure.code);
    } else if (live.isReadOnly || connection.readOnly) {
      // Hocuspocus answers: applied if it holds nothing new, else refused (A2).
      connection.readOnly = true;
      return false;
    } else if (live.mustWait) {
      socket.closeFor("storage_unavailable");
    } else {
      this.#receive(live, message, socket);
    }
    return true;
  }

  #receive(live: LiveDocument, message: SyncMessage, socket: CollaborationSocket): void {
    const { connection, type, payload } = message;
    const address = connection.messageAddress;
    const waiting = socket.waitingAt(address);
    if (type === messageYjsUpdate && waiting !== null) {
      this.#keepBack(live, message, waiting);
      return;
    }
    const outcome = this.#takeIn(live, message);
    if (outcome === "waits") {
      if (waiting !== null) this.#refuse(live, connection, "dependency");
      else {
        socket.setWaiting(address, [payload.slice()]);
        askForRest(live, connection);
      }
    } else if (outcome === "taken" && type === messageYjsSyncStep2) {
      live.writers.synced(connection);
      if (waiting !== null) this.#takeWaiting(live, connection, waiting);
    }
  }

  /** The answer to SyncStep1 is everything the client has: what is missing now will never come. */
  #takeWaiting(live: LiveDocument, connection: Connection, waiting: readonly Uint8Array[]): void {
    for (const payload of waiting) {
      const outcome = this.#takeIn(live, { connection, type: messageYjsUpdate, payload });
      if (outcome === "waits") this.#refuse(live, connection, "dependency");
      if (outcome !== "taken") return;
    }
    const { socket } = connection.context as SocketContext;
    socket.markWhole(connection.messageAddress);
  }

  /** Something of this client waits for an update that is missing: what comes meanwhile waits too, unread. */
  #keepBack(live: LiveDocument, { connection, payload }: SyncMessage, waiting: Uint8Array[]): void {
    const bytes = waiting.reduce((sum, each) => sum + each.length, payload.length);
    if (waiting.length >= MAX_WAITING_UPDATES || bytes > this.#options.limits.update.maxBytes) {
      this.#refuse(live, connection, "dependency");
    } else waiting.push(payload.slice());
  }

  /** Checks and applies one update. What waits for another has changed nothing, nor has what was refused. */
  #takeIn(
    live: LiveDocument,
    { connection, type, payload }: SyncMessage,
  ): "taken" | "refused" | "waits" {
    const { socket, author } = connection.context as SocketContext;
    const { limits, check } = this.#options;
    const limit = type === messageYjsSyncStep2 ? limits.firstSync : limits.update;
    const decoded = payload.length > limit.maxBytes ? "size" : decode(payload);
    if (typeof decoded === "string") return this.#refuse(live, connection, decoded);
    const checked = check(decoded, live.document, limit);
    const fault = checked.fault ?? this.#clientFault(live, connection, checked);
    if (fault !== null) return this.#refuse(live, connection, fault);
    if (checked.isIncomplete) return "waits";
    if (!live.receive(payload, author)) {
      this.#tell(live, connection, "threw");
      this.#documents.discard(live, socket);
      return "refused";
    }
    const [client] = checked.news;
    // An edit is of one client; what brings several is a copy that somebody kept, and they may come back.
    if (type === messageYjsUpdate && client !== undefined && checked.news.length === 1) {
      live.writers.wrote(client, connection);
    }
    return "taken";
  }

  #clientFault(
    live: LiveDocument,
    connection: Connection,
    { news, newcomers, isIncomplete }: CheckedUpdate,
  ): UpdateFault | null {
    for (const client of news) {
      if (live.writers.isForeign(client, connection)) return "foreign_client";
    }
    if (newcomers === 0 || isIncomplete) return null;
    const { author } = connection.context as SocketContext;
    const who = `${live.document.name} ${author.userId} ${author.agentId}`;
    return this.#newClients.take(who, newcomers) ? null : "clients";
  }

  #refuse(live: LiveDocument, connection: Connection, fault: UpdateFault): "refused" {
    this.#tell(live, connection, fault);
    const { socket } = connection.context as SocketContext;
    socket.closeFor(fault === "size" ? "too_large" : "bad_update");
    return "refused";
  }

  #tell(live: LiveDocument, connection: Connection, fault: UpdateFault): void {
    const { socket, author } = connection.context as SocketContext;
    this.#options.onRefused(fault);
    this.#options.logger.warn(
      {
        connectionId: socket.connectionId,
        documentName: live.document.name,
        ...author,
        fault,
        reason: UPDATE_FAULTS[fault],
      },
      "update refused",
    );
  }
}

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

function decode(update: Uint8Array): DecodedUpdate | "unreadable" {
  try {
    return Y.decodeUpdate(update);
  } catch {
    return "unreadable";
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
