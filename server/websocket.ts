import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { WebSocketServer, type WebSocket } from "ws";
import { MAX_ADDRESS_BYTES, type CollaborationSocket } from "../extensions/collaboration-socket.ts";
import type { Limit, OnLimit } from "../extensions/limits.ts";
import type { ErrorCode } from "../schema/errors.ts";
import type { Admission } from "./admission.ts";
import { networkOf } from "./client-address.ts";
import type { Collaboration } from "./collaboration.ts";
import { Intake } from "./intake.ts";
import { MAX_BYTES_BEFORE_SIGN_IN, type SocketShare } from "./socket-limits.ts";
import { createTransport } from "./transport.ts";

/** The one path sockets are accepted on. */
export const COLLABORATION_PATH = "/collaboration";

/** A peer that does not answer a ping for this long, ms, is gone. Half-open connections would live for hours. */
const PING_EVERY_MS = 30_000;

/** What the door asks before it opens, and whom it tells. */
export type DoorOptions = {
  readonly http: Server;
  readonly collaboration: Collaboration;
  readonly logger: Logger;
  readonly admission: Admission;
  /** No frame is larger: ws closes with 1009 before it allocates one. */
  readonly maxFrameBytes: number;
  /** Unsent bytes at which a socket is closed as a slow reader. */
  readonly maxUnreadBytes: number;
  readonly onLimit: OnLimit;
};

/** Accepts websockets on the HTTP server and hands their frames to Hocuspocus. */
export class WebsocketDoor {
  readonly #options: DoorOptions;
  readonly #sockets = new Map<WebSocket, CollaborationSocket>();
  readonly #wss: WebSocketServer;
  #refusing = false;

  constructor(options: DoorOptions) {
    this.#options = options;
    // perMessageDeflate off: it costs memory for every socket and can be bombed; Yjs updates hardly shrink.
    this.#wss = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: options.maxFrameBytes,
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
    const { logger, admission, onLimit } = this.#options;
    tcp.on("error", (error) => logger.debug({ err: error }, "upgrade error"));
    // Not `new URL`: it throws for some of what a client may send.
    const [path] = (request.url ?? "/").split("?", 1);
    if (this.#refusing) return turnAway(tcp, "503 Service Unavailable");
    if (path !== COLLABORATION_PATH) return turnAway(tcp, "404 Not Found");
    if (!admission.origins.admits(request)) {
      onLimit("origin");
      return turnAway(tcp, "403 Forbidden");
    }
    const share = admission.sockets.admit(networkOf(admission.clientAddress(request)));
    if (share === null) return turnAway(tcp, "429 Too Many Requests");
    // Not the websocket's: there is none when the rest of the handshake is refused.
    tcp.once("close", share.end);
    return this.#wss.handleUpgrade(request, tcp, head, (ws) =>
      this.#accept(ws, tcp as Socket, share),
    );
  }

  #accept(ws: WebSocket, tcp: Socket, share: SocketShare): void {
    const { collaboration, maxUnreadBytes, onLimit } = this.#options;
    const intake = new Intake(ws, share.buckets, onLimit);
    const cut = (limit: Limit, code: ErrorCode): void => {
      if (peer.socket.isClosed) return;
      onLimit(limit);
      peer.socket.closeFor(code);
    };
    const onSlow = (): void => cut("slow_reader", "slow_reader");
    const signedIn = limitUnknown(tcp, () => {
      cut("bytes_before_sign_in", "too_many_requests");
      // What he goes on sending would be gathered until he hears of it.
      ws.pause();
    });
    const shared = share.allowance((buckets) => {
      signedIn();
      intake.add(buckets);
    });
    const allowance = { ...shared, busyFor: (ms: number) => intake.busyFor(ms) };
    const transport = createTransport(ws, tcp, { network: share.network, maxUnreadBytes, onSlow });
    const peer = collaboration.accept(transport, NO_REQUEST, allowance);
    this.#sockets.set(ws, peer.socket);
    this.#read(ws, peer, intake);
    ws.on("ping", (body) => {
      intake.received(body.length);
      // ws answers by itself, past the transport.
      if (tcp.writableLength > maxUnreadBytes) onSlow();
    });
  }

  #read(ws: WebSocket, peer: Peer, intake: Intake): void {
    const { logger } = this.#options;
    const { connectionId } = peer.socket;
    const openedMs = performance.now();
    const stopPinging = keepAlive(ws);
    logger.debug({ connectionId }, "socket opened");
    ws.on("message", (frame: Buffer, isBinary: boolean) => {
      if (this.#refusing) return;
      intake.received(frame.length);
      // A copy with memory of its own: lib0 reads as far as a length in the frame says, and behind a small frame of
      // ws lies Node's shared pool, with what others sent.
      if (isBinary && isWellAddressed(frame)) peer.receive(Uint8Array.from(frame));
      else peer.socket.closeFor("bad_frame");
    });
    ws.on("error", (error) => logger.debug({ connectionId, err: error }, "socket error"));
    ws.on("close", (code, reason) => {
      // The reason is not repeated: where the peer closed, he wrote it.
      const durationMs = Math.round(performance.now() - openedMs);
      logger.info({ connectionId, code, durationMs }, "socket closed");
      intake.close();
      stopPinging();
      this.#sockets.delete(ws);
      peer.lost(code, reason.toString());
    });
  }
}

type Peer = ReturnType<Collaboration["accept"]>;

/**
 * Counts what comes on a connection until somebody has signed in, whole frames or not: nobody has the server keep
 * megabytes for a stranger. The answer ends the counting.
 */
function limitUnknown(tcp: Socket, onTooMuch: () => void): () => void {
  const mostBytes = tcp.bytesRead + MAX_BYTES_BEFORE_SIGN_IN;
  const count = (): void => {
    if (tcp.bytesRead <= mostBytes) return;
    tcp.off("data", count);
    onTooMuch();
  };
  tcp.on("data", count);
  return () => tcp.off("data", count);
}

/** A frame starts with its address, at most 127 bytes long, and a type. */
const isWellAddressed = (frame: Buffer): boolean => {
  const length = frame[0] ?? 0;
  return length > 0 && length <= MAX_ADDRESS_BYTES && frame.length > length + 1;
};

function turnAway(tcp: Duplex, status: string): void {
  // A peer that does not hang up in turn would stay connected for ever.
  tcp.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
    tcp.destroy(),
  );
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
