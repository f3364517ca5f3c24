import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { Transport } from "../extensions/collaboration-socket.ts";

/** FIN and the binary opcode: a whole message in one frame. */
const FIN_BINARY = 0x82;

/** How long a peer has to answer a close frame, ms, before its TCP connection is cut. */
const CLOSE_TIMEOUT_MS = 2000;

/** The last frame that was prepared: a broadcast sends the same bytes to every receiver, one after the other. */
let prepared: { payload: Uint8Array; frame: Buffer } | null = null;

/**
 * Sends Hocuspocus' frames over an accepted websocket with as few system calls as possible: half the time of a busy
 * server is writing (FIELD-NOTES 11a). The frame of a broadcast is prepared once for all its receivers, and frames
 * to one socket in one turn leave in one write.
 *
 * Writing past `ws` is sound because the server's frames are neither masked nor compressed: `ws` writes each of its
 * own (pings, the close frame) whole and at once, so nothing can come between the bytes of one frame.
 */
export function createTransport(
  ws: WebSocket,
  tcp: Socket,
  {
    network,
    maxUnreadBytes,
    onSlow,
  }: { network: string; maxUnreadBytes: number; onSlow: () => void },
): Transport {
  const reader = new SlowReader(maxUnreadBytes);
  return {
    network,
    send(payload) {
      if (ws.readyState !== WebSocket.OPEN || reader.isCut) return;
      if (!reader.keepsUp(tcp.writableLength, payload.length)) {
        // Not now: Hocuspocus is in the middle of a broadcast.
        process.nextTick(onSlow);
        return;
      }
      if (tcp.writableCorked === 0) cork(tcp);
      tcp.write(toFrame(payload));
    },
    close(code, reason) {
      ws.close(code, reason);
      setTimeout(() => ws.terminate(), CLOSE_TIMEOUT_MS).unref();
    },
  };
}

/**
 * Whether a peer reads what is sent to him. More than the limit must not wait for him, and on top of that the one
 * frame that crossed it: the answer to who opens a large document is larger than any limit, and he may be on his way
 * to read it.
 */
class SlowReader {
  readonly #limit: number;
  #onTop = 0;
  isCut = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `unread`: what waits in this process; the kernel holds a little more. */
  keepsUp(unread: number, next: number): boolean {
    if (unread + next <= this.#limit) return true;
    if (unread <= this.#limit) this.#onTop = next;
    else if (unread + next > this.#limit + this.#onTop) this.isCut = true;
    return !this.isCut;
  }
}

/** Sockets that were written to in this turn. */
let corked: Socket[] = [];

function cork(tcp: Socket): void {
  if (corked.length === 0) process.nextTick(uncorkAll);
  tcp.cork();
  corked.push(tcp);
}

function uncorkAll(): void {
  const written = corked;
  corked = [];
  for (const tcp of written) tcp.uncork();
}

function toFrame(payload: Uint8Array): Buffer {
  if (prepared?.payload === payload) return prepared.frame;
  const frame = Buffer.concat([header(payload.length), payload]);
  prepared = { payload, frame };
  return frame;
}

/** RFC 6455, 5.2: the length in 7 bits, or 126 and 16 bits, or 127 and 64 bits. */
function header(length: number): Buffer {
  if (length < 126) return Buffer.from([FIN_BINARY, length]);
  if (length < 65_536) return Buffer.from([FIN_BINARY, 126, length >> 8, length & 0xff]);
  const long = Buffer.alloc(10);
  long[0] = FIN_BINARY;
  long[1] = 127;
  long.writeBigUInt64BE(BigInt(length), 2);
  return long;
}
