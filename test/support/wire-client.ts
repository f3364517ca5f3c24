import * as decoding from "lib0/decoding";
import { WebSocket } from "ws";
import * as Y from "yjs";
import {
  addressBytes,
  authFrame,
  EMPTY_STATE_VECTOR,
  FRAME,
  pongFrame,
  SYNC,
  syncFrame,
} from "../../bench/wire.ts";
import { until } from "./until.ts";

export type WireClientOptions = {
  url: string;
  name: string;
  token: string;
  /** What is sent back for the server's SyncStep1; everything the server lacks where not given, nothing for null. */
  answer?: (document: Y.Doc, stateVector: Uint8Array) => Uint8Array | null;
};

/** A socket that speaks the protocol by hand and counts what comes back: a test sees each frame, not a provider's view. */
export type WireClient = {
  /** Kept up by what the server sends. An edit made here is sent as one Update frame. */
  readonly document: Y.Doc;
  readonly socket: WebSocket;
  /** SyncStatus frames: applied, and refused. */
  accepted: number;
  refused: number;
  /** Update and SyncStep2 frames sent. */
  sent: number;
  /** SyncStep1 frames received: how often the server asked for what it lacks. */
  asked: number;
  /** Update frames received from others. */
  updates: number;
  /** The reason of a PermissionDenied frame. */
  denied: string | null;
  closed: { code: number; reason: string } | null;
  send(kind: "step1" | "step2" | "update", body: Uint8Array): void;
  /** Resolves when everything the server had has arrived and its SyncStep1 was answered. */
  synced(): Promise<void>;
  /** Resolves when every frame that asks for an acknowledgement got one, applied or refused. */
  answered(): Promise<void>;
  untilClosed(): Promise<{ code: number; reason: string }>;
  close(): Promise<void>;
};

const FROM_SERVER = "server";

/** Opens a socket, signs in and asks for the document; waits for nothing. */
export function connectWire(options: WireClientOptions): WireClient {
  const { url, name, token } = options;
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const document = new Y.Doc();
  const ready = Promise.withResolvers<void>();
  // Nobody may be waiting when it is refused.
  ready.promise.catch(() => undefined);
  const client: WireClient = {
    document,
    socket,
    accepted: 0,
    refused: 0,
    sent: 0,
    asked: 0,
    updates: 0,
    denied: null,
    closed: null,
    send(kind, body) {
      if (kind !== "step1") client.sent += 1;
      socket.send(syncFrame(name, SYNC[kind], body));
    },
    synced: () => ready.promise,
    answered: () =>
      until(() => client.closed !== null || client.accepted + client.refused >= client.sent, {
        describe: `every frame of ${name} is answered`,
      }),
    async untilClosed() {
      await until(() => client.closed !== null, { describe: `the socket of ${name} is closed` });
      return client.closed ?? { code: 0, reason: "" };
    },
    async close() {
      socket.close();
      await client.untilClosed();
      document.destroy();
    },
  };
  document.on("update", (update: Uint8Array, origin: unknown) => {
    if (origin !== FROM_SERVER) client.send("update", update);
  });
  socket.on("open", () => {
    socket.send(authFrame(name, token));
    client.send("step1", EMPTY_STATE_VECTOR);
  });
  socket.on("error", () => undefined);
  socket.on("close", (code, reason) => {
    client.closed = { code, reason: reason.toString() };
    ready.reject(new Error(`${name}: closed with ${code} ${reason.toString()}`));
  });
  socket.on("message", createReader(client, options, ready.resolve));
  return client;
}

/** Opens a socket and waits until it is in step with the server. */
export async function openWire(options: WireClientOptions): Promise<WireClient> {
  const client = connectWire(options);
  await client.synced();
  return client;
}

function createReader(
  client: WireClient,
  { name, answer }: WireClientOptions,
  resolveSynced: () => void,
): (message: unknown) => void {
  const reply = answer ?? ((document, vector) => Y.encodeStateAsUpdate(document, vector));
  const start = addressBytes(name);
  let hasContent = false;
  const readSync = (kind: number, body: Uint8Array): void => {
    if (kind === SYNC.step1) {
      client.asked += 1;
      const answered = reply(client.document, body);
      if (answered !== null) client.send("step2", answered);
    } else {
      if (kind === SYNC.update) client.updates += 1;
      Y.applyUpdate(client.document, body, FROM_SERVER);
      hasContent ||= kind === SYNC.step2;
    }
    if (hasContent && client.asked > 0) resolveSynced();
  };
  return (message) => {
    if (!(message instanceof Uint8Array)) return;
    const decoder = decoding.createDecoder(message.subarray(start + 1));
    switch (message[start] ?? -1) {
      case FRAME.sync:
      case FRAME.syncReply:
        return readSync(decoding.readVarUint(decoder), decoding.readVarUint8Array(decoder));
      case FRAME.syncStatus:
        if (decoding.readVarUint(decoder) === 1) client.accepted += 1;
        else client.refused += 1;
        return;
      case FRAME.auth:
        // 1 = PermissionDenied (source: @hocuspocus/common `auth.ts`).
        if (decoding.readVarUint(decoder) === 1) client.denied = decoding.readVarString(decoder);
        return;
      case FRAME.ping:
        return client.socket.send(pongFrame(name));
      default:
        return;
    }
  };
}
