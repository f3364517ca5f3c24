import type { Socket } from "node:net";
import * as decoding from "lib0/decoding";
import { WebSocket } from "ws";
import {
  addressBytes,
  authFrame,
  awarenessFrame,
  EMPTY_STATE_VECTOR,
  EMPTY_UPDATE,
  FRAME,
  pongFrame,
  SYNC,
  syncFrame,
} from "./wire.ts";

export type LightClientOptions = {
  url: string;
  name: string;
  token: string;
  clientId: number;
  /** What the client already has; a new client has nothing. */
  stateVector?: Uint8Array;
  /** Called when the socket is open, before anything is answered. */
  onOpen?: () => void;
  /** Called with every Update the server broadcasts, the client's own included. */
  onUpdate?: (update: Uint8Array) => void;
  /** Called once for each Update acknowledged, in the order they were sent. */
  onAcknowledged?: () => void;
  /** Called when the socket is gone, with the code it was closed with. */
  onClosed?: (code: number) => void;
};

/** A socket that speaks the stock provider's frames and keeps no document: hundreds fit in one process without becoming the load. */
export type LightClient = {
  readonly name: string;
  /** What the server answered to the first SyncStep1: the content the client lacked. */
  readonly received: Uint8Array;
  /** Sends a prepared frame. Frames of one turn leave in one system call. */
  send(frame: Uint8Array): void;
  readonly isOpen: boolean;
  close(): Promise<void>;
};

/** 20 s: beyond any start-up measured; a server that needs longer has failed the row. */
const SYNC_TIMEOUT_MS = 20_000;

/** An all-zero mask makes `ws` skip the masking: legal on the wire, and the load spends its core on load. */
const noMask = (mask: Buffer): void => void mask.fill(0);

/** Joins the frames of one turn: `ws` itself makes one system call for each. */
function coalesce(socket: WebSocket): (frame: Uint8Array) => void {
  let stream: Socket | undefined;
  let corked = false;
  socket.on("upgrade", (response) => {
    stream = response.socket;
  });
  const uncork = (): void => {
    corked = false;
    stream?.uncork();
  };
  return (frame) => {
    if (!corked && stream !== undefined) {
      corked = true;
      stream.cork();
      process.nextTick(uncork);
    }
    socket.send(frame);
  };
}

/**
 * Connects, signs in and syncs; resolves when the server's SyncStep2 has arrived.
 * Rejects when the socket closes, the server refuses, or 20 s pass before that.
 */
export async function openLightClient(options: LightClientOptions): Promise<LightClient> {
  const { url, name, token, clientId } = options;
  const socket = new WebSocket(url, { perMessageDeflate: false, generateMask: noMask });
  const send = coalesce(socket);
  const closed = new Promise<void>((resolve) => {
    socket.on("close", (code) => {
      resolve();
      options.onClosed?.(code);
    });
  });
  socket.on("open", () => {
    send(authFrame(name, token));
    send(syncFrame(name, SYNC.step1, options.stateVector ?? EMPTY_STATE_VECTOR));
    send(awarenessFrame(name, clientId));
    options.onOpen?.();
  });
  const received = await synced(socket, send, options);
  return {
    name,
    received,
    send,
    get isOpen() {
      return socket.readyState === WebSocket.OPEN;
    },
    close: async () => {
      socket.close();
      const cut = setTimeout(() => socket.terminate(), 1_000);
      await closed;
      clearTimeout(cut);
    },
  };
}

function synced(
  socket: WebSocket,
  send: (frame: Uint8Array) => void,
  options: LightClientOptions,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(`${options.name}: ${why}`));
      socket.terminate();
    };
    const timer = setTimeout(() => fail("not synced after 20 s"), SYNC_TIMEOUT_MS);
    socket.on("error", (error) => fail(error.message));
    socket.on("close", (code, reason) =>
      fail(`closed before it was synced: ${code} ${reason.toString()}`),
    );
    const resolveSynced = (update: Uint8Array): void => {
      clearTimeout(timer);
      resolve(update);
    };
    socket.on("message", createReader({ send, options, resolveSynced, fail }));
  });
}

/** Reads frames by byte position: every frame of this socket has the same address in front. */
function createReader(context: {
  send: (frame: Uint8Array) => void;
  options: LightClientOptions;
  resolveSynced: (update: Uint8Array) => void;
  fail: (why: string) => void;
}): (message: unknown) => void {
  const { send, options, resolveSynced, fail } = context;
  const start = addressBytes(options.name);
  // The answer to the server's SyncStep1 is acknowledged like an Update, and is none.
  let acknowledgementsOwedToStep2 = 0;
  const readSync = (bytes: Uint8Array): void => {
    const decoder = decoding.createDecoder(bytes.subarray(start + 2));
    if (bytes[start + 1] === SYNC.step1) {
      acknowledgementsOwedToStep2 += 1;
      send(syncFrame(options.name, SYNC.step2, EMPTY_UPDATE));
    } else if (bytes[start + 1] === SYNC.step2) {
      resolveSynced(decoding.readVarUint8Array(decoder));
    } else {
      options.onUpdate?.(decoding.readVarUint8Array(decoder));
    }
  };
  const readStatus = (accepted: boolean): void => {
    if (!accepted) fail("the server refused an update");
    else if (acknowledgementsOwedToStep2 > 0) acknowledgementsOwedToStep2 -= 1;
    else options.onAcknowledged?.();
  };
  return (message) => {
    if (!(message instanceof Uint8Array)) return;
    switch (message[start] ?? -1) {
      case FRAME.sync:
      case FRAME.syncReply:
        return readSync(message);
      case FRAME.syncStatus:
        return readStatus(message[start + 1] === 1);
      case FRAME.ping:
        return send(pongFrame(options.name));
      case FRAME.auth:
        // 1 = PermissionDenied (source: @hocuspocus/common `auth.ts`).
        if (message[start + 1] === 1) fail("permission denied");
        return;
      case FRAME.close:
        return fail("the server closed the document");
      default:
        return;
    }
  };
}
