import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { WebSocketServer, type WebSocket } from "ws";
import { MAX_ADDRESS_BYTES, type CollaborationSocket } from "../extensions/collaboration-socket.ts";
import { networkOf, type ClientAddress } from "./client-address.ts";
import type { Collaboration } from "./collaboration.ts";
import type { OnLimit } from "./limits.ts";
import type { Origins } from "./origins.ts";
import { createTransport } from "./transport.ts";

/** The one path sockets are accepted on. */
export const COLLABORATION_PATH = "/collaboration";

/** No frame is larger: ws closes with 1009 before it allocates one. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/** A peer that does not answer a ping for this long, ms, is gone. Half-open connections would live for hours. */
const PING_EVERY_MS = 30_000;

/** Accepts websockets on the HTTP server and hands their frames to Hocuspocus. */
export class WebsocketDoor {
  readonly #collaboration: Collaboration;
  readonly #logger: Logger;
  readonly #origins: Origins;
  readonly #onLimit: OnLimit;
  readonly #clientAddress: ClientAddress;
  readonly #sockets = new Map<WebSocket, CollaborationSocket>();
  readonly #wss: WebSocketServer;
  #refusing = false;

  constructor(options: {
    http: Server;
    collaboration: Collaboration;
    logger: Logger;
    origins: Origins;
    onLimit: OnLimit;
    clientAddress: ClientAddress;
  }) {
    this.#collaboration = options.collaboration;
    this.#logger = options.logger;
    this.#origins = options.origins;
    this.#onLimit = options.onLimit;
    this.#clientAddress = options.clientAddress;
    // perMessageDeflate off: it costs memory for every socket and can be bombed; Yjs updates hardly shrink.
    this.#wss = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: MAX_FRAME_BYTES,
    });
    options.http.on("upgrade", (request: IncomingMessage, tcp: Duplex, head: Buffer) =>
      this.#upgrade(request, tcp, head),
    );
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get isRefusing(): boolean {
    return this.#refusing;
  }

  /** New sockets are turned away from now on, and what still arrives on the open ones is not taken in any more. */
  refuse(): void {
    this.#refusing = true;
  }

  /** Closes every socket with 1012 (restarting, come back) and waits until they are gone. */
  async close(): Promise<void> {
    this.#refusing = true;
    const gone = [...this.#sockets.keys()].map(
      (ws) => new Promise((resolve) => ws.once("close", resolve)),
    );
    for (const socket of this.#sockets.values()) socket.closeFor("restarting");
    // Bounded: the transport cuts whoever does not answer the close frame.
    await Promise.all(gone);
    this.#wss.close();
  }

  #upgrade(request: IncomingMessage, tcp: Duplex, head: Buffer): void {
    tcp.on("error", (error) => this.#logger.debug({ err: error }, "upgrade error"));
    // Not `new URL`: it throws for some of what a client may send.
    const [path] = (request.url ?? "/").split("?", 1);
    if (this.#refusing) turnAway(tcp, "503 Service Unavailable");
    else if (path !== COLLABORATION_PATH) turnAway(tcp, "404 Not Found");
    else if (!this.#origins.admits(request)) {
      this.#onLimit("origin");
      turnAway(tcp, "403 Forbidden");
    } else {
      this.#wss.handleUpgrade(request, tcp, head, (ws) => this.#accept(ws, tcp as Socket, request));
    }
  }

  #accept(ws: WebSocket, tcp: Socket, request: IncomingMessage): void {
    const network = networkOf(this.#clientAddress(request));
    const peer = this.#collaboration.accept(createTransport(ws, tcp, network), NO_REQUEST);
    const { connectionId } = peer.socket;
    const openedMs = performance.now();
    const stopPinging = keepAlive(ws);
    this.#sockets.set(ws, peer.socket);
    this.#logger.debug({ connectionId }, "socket opened");
    ws.on("message", (frame: Buffer, isBinary: boolean) => {
      if (this.#refusing) return;
      // A copy with memory of its own: lib0 reads as far as a length in the frame says, and behind a small frame of
      // ws lies Node's shared pool, with what others sent.
      if (isBinary && isWellAddressed(frame)) peer.receive(Uint8Array.from(frame));
      else peer.socket.closeFor("bad_frame");
    });
    ws.on("error", (error) => this.#logger.debug({ connectionId, err: error }, "socket error"));
    ws.on("close", (code, reason) => {
      // The reason is not repeated: where the peer closed, he wrote it.
      const durationMs = Math.round(performance.now() - openedMs);
      this.#logger.info({ connectionId, code, durationMs }, "socket closed");
      stopPinging();
      this.#sockets.delete(ws);
      peer.lost(code, reason.toString());
    });
  }
}

/** A frame starts with its address, at most 127 bytes long, and a type. */
const isWellAddressed = (frame: Buffer): boolean => {
  const length = frame[0] ?? 0;
  return length > 0 && length <= MAX_ADDRESS_BYTES && frame.length > length + 1;
};

function turnAway(tcp: Duplex, status: string): void {
  tcp.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function keepAlive(ws: WebSocket): () => void {
  let answered = true;
  ws.on("pong", () => {
    answered = true;
  });
  const timer = setInterval(() => {
    if (!answered) ws.terminate();
    answered = false;
    ws.ping();
  }, PING_EVERY_MS);
  return () => clearInterval(timer);
}

/**
 * Hocuspocus wants the web's Request of each socket. No hook of ours reads it, and it costs more than the rest of an
 * upgrade, so they all get the same.
 */
const NO_REQUEST = new Request(`http://localhost${COLLABORATION_PATH}`);
