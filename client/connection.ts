import { ScriptoriumError } from "../schema/errors.ts";
import { type Backoff, DEFAULT_BACKOFF } from "./backoff.ts";
import { ReconnectingSocket, type WebSocketClass } from "./reconnecting-socket.ts";

/** Where to connect, and how. */
export type ConnectionOptions = {
  /** The server's websocket address, as `wss://example.org/collaboration`; in a browser also relative to the page. */
  url: string;
  /** A WebSocket class; the global one where not given (browsers, Node 22 and newer). */
  WebSocket?: WebSocketClass;
  /** When a lost socket is tried again. */
  backoff?: Partial<Backoff>;
};

/** One socket that several documents share; made by {@link createConnection}. */
export type Connection = {
  /** A stock `HocuspocusProviderWebsocket`, as far as anybody else is concerned. */
  readonly socket: ReconnectingSocket;
  /** Ends the socket and resolves when it is gone. Close the collaborations first. Idempotent. */
  close(): Promise<void>;
};

/**
 * A socket for several documents: pass it as `connection` to each `createCollaboration`. It connects with the
 * first document and reconnects while at least one of them wants it.
 * @throws ScriptoriumError `bad_configuration` for a url that is none, or where there is no WebSocket class.
 */
export function createConnection(options: ConnectionOptions): Connection {
  const WebSocket = options.WebSocket ?? globalThis.WebSocket;
  if (WebSocket === undefined) {
    throw new ScriptoriumError("bad_configuration", "There is no global WebSocket: pass a class");
  }
  const backoff = { ...DEFAULT_BACKOFF, ...options.backoff };
  const socket = new ReconnectingSocket({ url: resolveUrl(options.url), WebSocket, backoff });
  return { socket, close: () => socket.close() };
}

const PROTOCOLS: Readonly<Record<string, string>> = {
  "ws:": "ws:",
  "wss:": "wss:",
  "http:": "ws:",
  "https:": "wss:",
};

function resolveUrl(text: string): string {
  const base = globalThis.location?.href;
  const url = URL.canParse(text, base) ? new URL(text, base) : null;
  const protocol = url === null ? undefined : PROTOCOLS[url.protocol];
  if (url === null || protocol === undefined) {
    throw new ScriptoriumError("bad_configuration", "The url of a server begins with ws: or wss:");
  }
  url.protocol = protocol;
  return url.href;
}
