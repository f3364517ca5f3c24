import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { WebSocketServer, type WebSocket } from "ws";
import { MAX_ADDRESS_BYTES, type CollaborationSocket } from "../extensions/collaboration-socket.ts";
import type { Collaboration } from "./collaboration.ts";
import { createTransport } from "./transport.ts";

/** The one path sockets are accepted on. */
export const COLLABORATION_PATH = "/collaboration";

/** No frame is larger: ws closes with 1009 before it allocates one. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/** A peer that does not answer a ping for this long, ms, is gone. Half-open connections would live for hours. */
const PING_EVERY_MS = 30_000;

export type WebsocketDoor = {
  readonly connections: number;
  /** New sockets are turned away, and what still arrives on the open ones is not taken in any more. */
  refuse(): void;
  /** Closes every socket with 1012 (restarting, come back) and waits until they are gone, 2 s at most. */
  close(): Promise<void>;
};

/** Accepts websockets on the HTTP server and hands their frames to Hocuspocus. */
export function openWebsocketDoor(options: {
  http: Server;
  collaboration: Collaboration;
  logger: Logger;
}): WebsocketDoor {
  const { http, collaboration, logger } = options;
  // perMessageDeflate off: it costs memory for every socket and can be bombed; Yjs updates hardly shrink.
  const wss = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
  });
  const sockets = new Map<WebSocket, CollaborationSocket>();
  let refusing = false;

  const accept = (ws: WebSocket, tcp: Socket, request: IncomingMessage): void => {
    const peer = collaboration.accept(createTransport(ws, tcp), toRequest(request));
    const stopPinging = keepAlive(ws);
    sockets.set(ws, peer.socket);
    ws.on("message", (frame: Buffer, isBinary: boolean) => {
      if (refusing) return;
      if (isBinary && isWellAddressed(frame)) peer.receive(frame);
      else peer.socket.closeFor("bad_frame");
    });
    ws.on("error", (error) => logger.debug({ err: error }, "socket error"));
    ws.on("close", (code, reason) => {
      stopPinging();
      sockets.delete(ws);
      peer.lost(code, reason.toString());
    });
  };

  http.on("upgrade", (request: IncomingMessage, tcp: Duplex, head: Buffer) => {
    tcp.on("error", (error) => logger.debug({ err: error }, "upgrade error"));
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (refusing) return turnAway(tcp, "503 Service Unavailable");
    if (pathname !== COLLABORATION_PATH) return turnAway(tcp, "404 Not Found");
    wss.handleUpgrade(request, tcp, head, (ws) => accept(ws, tcp as Socket, request));
  });

  return {
    get connections() {
      return sockets.size;
    },
    refuse() {
      refusing = true;
    },
    async close() {
      refusing = true;
      const gone = [...sockets.keys()].map((ws) => new Promise((done) => ws.once("close", done)));
      for (const socket of sockets.values()) socket.closeFor("restarting");
      const timeout = setTimeout(() => {
        for (const ws of sockets.keys()) ws.terminate();
      }, 2000);
      await Promise.all(gone);
      clearTimeout(timeout);
      wss.close();
    },
  };
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
    if (!answered) return ws.terminate();
    answered = false;
    ws.ping();
  }, PING_EVERY_MS);
  return () => clearInterval(timer);
}

/** Hocuspocus wants the web's Request: address and headers, no body. */
function toRequest(request: IncomingMessage): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  return new Request(new URL(request.url ?? "/", "http://localhost"), { headers });
}
