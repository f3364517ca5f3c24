import { randomUUID } from "node:crypto";
import { OutgoingMessage, type Connection, type WebSocketLike } from "@hocuspocus/server";
import { ERRORS, type ErrorCode } from "../schema/errors.ts";
import type { DocumentAddress } from "../schema/ids.ts";
import type { Principal } from "../schema/principal.ts";
import type { Author } from "../persistence/append-updates.ts";
import type { Grounds } from "./grounds.ts";
import type { OnLimit } from "./limits.ts";
import type { LiveDocument } from "./live-document.ts";
import { SocketAddresses } from "./socket-addresses.ts";
import type { Rate } from "./token-bucket.ts";

/** The transport below: the server's websocket, already accepted. */
export type Transport = {
  /** Sends one frame; frames sent in one turn of the event loop leave together. */
  send(frame: Uint8Array): void;
  close(code: number, reason: string): void;
  /** Whom limits count it for: an address, or the network of an IPv6 one. */
  readonly network: string;
};

/** How much of the server one socket may have. */
export type Allowance = {
  /** Documents at a time. */
  readonly documents: number;
  /** How often a document that is open here may be open in all. */
  readonly socketsPerDocument: number;
  /** How long a token may take to come, ms. */
  readonly signInWithinMs: number;
  /** How often one document may be asked for. */
  readonly asking: Rate;
  /** Whether one more token is looked at. */
  readonly maySignIn: () => boolean;
  /** Somebody has signed in; false when he has too many sockets already. */
  readonly signedIn: (principal: Principal) => boolean;
  /** Its updates kept the process busy for so long, ms: it is read slower when that is too much. */
  readonly busyFor: (ms: number) => void;
  readonly onLimit: OnLimit;
};

/** What Hocuspocus carries for a document on a socket, from sign-in on. */
export type SocketContext = {
  readonly socket: CollaborationSocket;
  readonly address: DocumentAddress;
  readonly author: Author;
  /** On what grounds the document was opened, and `LiveRights.moment` when they were asked for. */
  readonly grounds: Grounds;
  readonly asOf: number;
};

/** The socket in a context that may be anything; undefined where a hook has no socket. */
export const socketIn = (context: unknown): CollaborationSocket | undefined =>
  (context as Partial<SocketContext> | null | undefined)?.socket;

type Joined = { readonly connection: Connection; readonly acknowledgement: Uint8Array };

const SYNC_STATUS = 8;
const APPLIED = 1;

const AUTH = 2;
const PERMISSION_DENIED = 1;

type Incomplete = { readonly waiting: Uint8Array[]; readonly held: (() => void)[] };

/**
 * The socket as Hocuspocus sees it. Everything passes, except an acknowledgement (SyncStatus, applied): it waits
 * until all that its document had received is committed [L1]. What is held dies with the socket.
 */
export class CollaborationSocket implements WebSocketLike {
  /** Stands in every log line about this socket. */
  readonly connectionId = randomUUID();
  readonly allowance: Allowance;
  readonly addresses: SocketAddresses;
  readonly #transport: Transport;
  readonly #liveDocument: (name: string) => LiveDocument | undefined;
  readonly #onClosed: (code: number, reason: string) => void;
  readonly #onCut: ((code: ErrorCode) => void) | undefined;
  #documents = 0;
  /** By address (`name` or `name\0session`): what waits for a missing update, and the acknowledgements that wait with it. */
  readonly #incomplete = new Map<string, Incomplete>();
  readonly #connections = new Map<string, Joined>();
  #closed = false;
  #cut = false;

  constructor(options: {
    transport: Transport;
    allowance: Allowance;
    liveDocument: (name: string) => LiveDocument | undefined;
    /** Called once, synchronously with the decision to close: Hocuspocus lets go of the socket's documents at once. */
    onClosed: (code: number, reason: string) => void;
    /** Called before it with the reason, when it was the server's. */
    onCut?: (code: ErrorCode) => void;
  }) {
    this.#transport = options.transport;
    this.#liveDocument = options.liveDocument;
    this.#onClosed = options.onClosed;
    this.#onCut = options.onCut;
    this.allowance = options.allowance;
    this.addresses = new SocketAddresses({
      withinMs: options.allowance.signInWithinMs,
      onLate: () => {
        this.allowance.onLimit("sign_in_in_time");
        this.closeFor("timed_out");
      },
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** How many documents are open here. */
  get openCount(): number {
    return this.#connections.size;
  }

  /** How many documents are being opened or open here. */
  get documents(): number {
    return this.#documents;
  }

  /** True once the server has closed it: nothing that it brought is taken in any more, not even what is queued [A3]. */
  get isCut(): boolean {
    return this.#cut;
  }

  get network(): string {
    return this.#transport.network;
  }

  get readyState(): number {
    // OPEN or CLOSING: for Hocuspocus a socket is gone as soon as we decided so, or were told.
    return this.#closed ? 2 : 1;
  }

  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
    if (this.#closed || !(data instanceof Uint8Array)) return;
    if (isAcknowledgement(data)) return this.#hold(data);
    this.#transport.send(data);
    if (!isPermissionDenied(data)) return;
    if (!this.addresses.refuse(addressOf(data), data)) this.closeFor("too_many_requests");
  }

  /** Hocuspocus closes: for a limit of its own, or because nothing came for a minute. The codes are ours. */
  close(code = 1000): void {
    this.closeFor(code === HOCUSPOCUS_TIMEOUT ? "timed_out" : "too_many_requests");
  }

  /** Closes with the code that stands for this error; the reason is the error's name, for programs. */
  closeFor(code: ErrorCode): void {
    if (this.#closed) return;
    this.#cut = true;
    this.#onCut?.(code);
    this.#transport.close(ERRORS[code].close, code);
    this.lost(ERRORS[code].close, code);
  }

  /** The other side is gone. */
  lost(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.addresses.close();
    this.#onClosed(code, reason);
  }

  /** A document is open here: remembers under which address, and the acknowledgement its updates get. */
  joined(connection: Connection): void {
    const address = connection.messageAddress;
    // The client may have closed the document before Hocuspocus told us that it is open.
    if (!connection.document.hasConnection(connection)) return void this.addresses.opened(address);
    const acknowledgement = new OutgoingMessage(address).writeSyncStatus(true).toUint8Array();
    this.#connections.set(address, { connection, acknowledgement });
    connection.onClose(() => {
      this.#connections.delete(address);
      this.#incomplete.delete(address);
      if (this.openCount + this.addresses.openingCount === 0 && !this.#closed) {
        this.addresses.awaitToken();
      }
    });
  }

  connectionAt(frame: Uint8Array): Joined | undefined {
    return this.#connections.get(addressOf(frame));
  }

  opening(): void {
    this.#documents += 1;
  }

  left(): void {
    this.#documents -= 1;
  }

  /**
   * A document was refused here. Hocuspocus tells the provider in a frame; the socket closes after it unless
   * other documents live on it.
   */
  refused(code: ErrorCode): void {
    this.left();
    setImmediate(() => {
      if (this.#documents <= 0) this.closeFor(code);
    });
  }

  /** The updates of an address that wait for a missing one, in order; null: none does. */
  waitingAt(address: string): Uint8Array[] | null {
    return this.#incomplete.get(address)?.waiting ?? null;
  }

  /** From here on this address gets no acknowledgement, until what waits is whole [L6]. */
  setWaiting(address: string, waiting: Uint8Array[]): void {
    this.#incomplete.set(address, { waiting, held: [] });
  }

  /** Nothing of this address waits any more: its acknowledgements leave with the next commit. */
  markWhole(address: string): void {
    const held = this.#incomplete.get(address)?.held ?? [];
    this.#incomplete.delete(address);
    for (const release of held) release();
  }

  #hold(frame: Uint8Array): void {
    const address = addressOf(frame);
    const live = this.#liveDocument(nameIn(address));
    if (live === undefined || live.discarded) return;
    const release = (): void => {
      if (!this.#closed) this.#transport.send(frame);
    };
    const whenCommitted = (): void => live.log.whenCommitted(release);
    const incomplete = this.#incomplete.get(address);
    if (incomplete === undefined) whenCommitted();
    else incomplete.held.push(whenCommitted);
  }
}

/** Longer addresses are refused on their way in, so the length before one is always a single byte. */
export const MAX_ADDRESS_BYTES = 127;

// A frame is varString address, varUint type, body.
const isAcknowledgement = (frame: Uint8Array): boolean => {
  const typeAt = 1 + (frame[0] ?? 0);
  return (
    frame.length === typeAt + 2 && frame[typeAt] === SYNC_STATUS && frame[typeAt + 1] === APPLIED
  );
};

/** 4408: nothing came for `timeout` (source: @hocuspocus/common `CloseEvents.ts`). */
const HOCUSPOCUS_TIMEOUT = 4408;

const isPermissionDenied = (frame: Uint8Array): boolean => {
  const typeAt = 1 + (frame[0] ?? 0);
  return frame[typeAt] === AUTH && frame[typeAt + 1] === PERMISSION_DENIED;
};

/** The address of a frame: a document name, perhaps with `\0` and the session of one of several providers. */
export const addressOf = (frame: Uint8Array): string =>
  Buffer.from(frame.buffer, frame.byteOffset + 1, frame[0]).toString();

/** The document name in an address. */
export const nameIn = (address: string): string => {
  const end = address.indexOf("\0");
  return end === -1 ? address : address.slice(0, end);
};

/** What follows the address of a frame: varUint type, and the message. */
export const bodyOf = (frame: Uint8Array): Uint8Array => frame.subarray(1 + (frame[0] ?? 0));
