import { once } from "node:events";
import * as encoding from "lib0/encoding";
import { WebSocket, type ClientOptions } from "ws";
import { authFrame, EMPTY_STATE_VECTOR, FRAME, SYNC, syncFrame } from "../../bench/wire.ts";
import { until } from "./until.ts";

/** A socket on which a test sends whatever bytes it likes. */
export type RawSocket = {
  readonly ws: WebSocket;
  /** Every frame that came, whole. */
  readonly received: Uint8Array[];
  closed: { code: number; reason: string } | null;
  /** How many frames of this type came for this address. */
  count(address: string, type: number): number;
  send(...frames: Uint8Array[]): void;
  /** Opens a document; resolves when it is synced, or refused, or the socket is gone. */
  open(address: string, token: string): Promise<void>;
  /** Resolves when the server has worked through all that was sent, or has closed: it answered a Ping, or did not. */
  settled(address: string): Promise<void>;
  untilClosed(): Promise<{ code: number; reason: string }>;
};

/** A frame with this type and these bytes. */
export function rawFrame(address: string, type: number, body: Uint8Array | number[] = []) {
  const encoder = encoding.createEncoder();
  encoding.writeVarString(encoder, address);
  encoding.writeVarUint(encoder, type);
  encoding.writeUint8Array(encoder, Uint8Array.from(body));
  return encoding.toUint8Array(encoder);
}

/** Presence as y-protocols writes it: client ids with their clocks and states. */
export function presenceFrame(
  address: string,
  states: readonly { client: number; clock?: number; state: string }[],
): Uint8Array {
  const inner = encoding.createEncoder();
  encoding.writeVarUint(inner, states.length);
  for (const { client, clock = 1, state } of states) {
    encoding.writeVarUint(inner, client);
    encoding.writeVarUint(inner, clock);
    encoding.writeVarString(inner, state);
  }
  const outer = encoding.createEncoder();
  encoding.writeVarUint8Array(outer, encoding.toUint8Array(inner));
  return rawFrame(address, FRAME.awareness, encoding.toUint8Array(outer));
}

/** Opens a socket and sends nothing. */
export async function openRaw(url: string, options: ClientOptions = {}): Promise<RawSocket> {
  const ws = new WebSocket(url, { perMessageDeflate: false, ...options });
  const socket: RawSocket = {
    ws,
    received: [],
    closed: null,
    count: (address, type) => socket.received.filter((frame) => isOf(frame, address, type)).length,
    send: (...frames) => {
      for (const frame of frames) ws.send(frame);
    },
    async open(address, token) {
      const synced = socket.count(address, FRAME.sync);
      const told = socket.count(address, FRAME.auth);
      socket.send(authFrame(address, token), syncFrame(address, SYNC.step1, EMPTY_STATE_VECTOR));
      await until(
        () =>
          socket.closed !== null ||
          socket.count(address, FRAME.sync) >= synced + 2 ||
          socket.received.some((frame, at) => at >= told && isDenied(frame, address)),
        { describe: `${address} is open` },
      );
    },
    async settled(address) {
      const pongs = socket.count(address, FRAME.pong);
      if (ws.readyState === WebSocket.OPEN) socket.send(rawFrame(address, FRAME.ping));
      await until(() => socket.closed !== null || socket.count(address, FRAME.pong) > pongs, {
        describe: `${address} is settled`,
      });
    },
    async untilClosed() {
      await until(() => socket.closed !== null, { describe: "the socket is closed" });
      return socket.closed ?? { code: 0, reason: "" };
    },
  };
  ws.on("message", (frame: Buffer) => socket.received.push(frame));
  ws.on("error", () => undefined);
  ws.on("close", (code, reason) => {
    socket.closed = { code, reason: reason.toString() };
  });
  await once(ws, "open");
  return socket;
}

const isOf = (frame: Uint8Array, address: string, type: number): boolean =>
  Buffer.from(frame.subarray(1, 1 + (frame[0] ?? 0))).toString() === address &&
  frame[1 + (frame[0] ?? 0)] === type;

const isDenied = (frame: Uint8Array, address: string): boolean =>
  isOf(frame, address, FRAME.auth) && frame[2 + (frame[0] ?? 0)] === 1;
