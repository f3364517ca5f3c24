import { HocuspocusProviderWebsocket, type HocuspocusProvider } from "@hocuspocus/provider";
import { type Backoff, reconnectDelayMs } from "./backoff.ts";
import { type Frame, readFrame } from "./frame.ts";

/** What one document wants to know of the socket that carries it. */
export type SocketWatcher = {
  /** False once the server refused the document for good: nobody reconnects on its behalf. */
  wanted(): boolean;
  attempting(): void;
  opened(): void;
  sent(frame: Frame): void;
  received(frame: Frame): void;
  lost(closeCode: number, reason: string): void;
};

export type WebSocketClass = new (url: string) => WebSocket;

type SocketOptions = { url: string; WebSocket: WebSocketClass; backoff: Backoff };

type CloseEvent = { event: { code: number; reason: string } };

const OPEN = 1;
const CLOSED = 3;
// 30 s, as the stock provider's messageReconnectTimeout: a handshake or a first answer that takes longer is dead.
const ANSWER_TIMEOUT_MS = 30_000;
// A server that closes a document closes the socket next; its close code says more than ours would.
const CLOSE_GRACE_MS = 1_000;
// A socket that lived this long was a success; a shorter life counts as another failure, or a server that accepts
// and hangs up would be called four times a second.
const STABLE_MS = 5_000;
// The close handshake of a peer that is gone; after that nobody waits for the event.
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * The stock socket with its reconnection taken in hand, and with every frame shown to the document it belongs to.
 *
 * Hocuspocus 4.7 starts reconnection timers that nothing can cancel (a destroyed provider comes back to life and
 * the process cannot end), has no jitter after a loss, and starts from the shortest delay whenever a socket
 * opened, even if it was closed at once. Here there is one timer at a time, and whoever ends the socket clears it.
 */
export class ReconnectingSocket extends HocuspocusProviderWebsocket {
  readonly watchers = new Map<string, SocketWatcher>();
  private readonly backoff: Backoff;
  private timer: ReturnType<typeof setTimeout> | undefined = undefined;
  private failures = 0;
  private openedAtMs: number | undefined = undefined;
  private ended = false;

  constructor(options: SocketOptions) {
    super({
      url: options.url,
      WebSocketPolyfill: options.WebSocket,
      autoConnect: false,
      // One attempt: the stock retry loop sleeps in timers that cannot be cleared.
      maxAttempts: 1,
    });
    this.backoff = options.backoff;
    this.on("status", ({ status }: { status: string }) => {
      if (status === "connecting") this.tell((watcher) => watcher.attempting());
    });
    // The constructor of WebSocket threw (a browser refuses ws: on an https: page): no close event will follow.
    this.on("maxAttemptsFailed", () => this.scheduleIfIdle());
  }

  get isOpen(): boolean {
    return this.webSocket?.readyState === OPEN;
  }

  /** Idempotent: an attempt under way, or an open socket, is left alone. */
  override async connect(): Promise<unknown> {
    if (this.ended || this.webSocket !== null) return undefined;
    this.disarm();
    return super.connect();
  }

  override createWebSocketConnection(): Promise<unknown> {
    // May reject at once, then without a socket and without a close event: see maxAttemptsFailed.
    const attempt = super.createWebSocketConnection();
    if (this.webSocket === null) return attempt;
    // The ws package throws an "error" that nobody listens to, and the stock cleanup removes its listener
    // before it closes a socket that is still connecting.
    this.webSocket.addEventListener("error", () => undefined);
    this.arm(ANSWER_TIMEOUT_MS, () => this.drop("no answer"));
    return attempt;
  }

  override async onOpen(event: Event): Promise<void> {
    this.openedAtMs = Date.now();
    const done = super.onOpen(event);
    // Before the providers hear of it and send their first frames.
    this.tell((watcher) => watcher.opened());
    await done;
  }

  override onMessage(event: MessageEvent<ArrayBuffer>): void {
    const socket = this.webSocket;
    if (this.connectionAttempt !== null) this.disarm();
    super.onMessage(event);
    // Told after the provider applied it; and not at all if applying it ended this socket.
    const frame = readFrame(new Uint8Array(event.data));
    if (frame !== null && this.webSocket === socket) {
      this.watchers.get(frame.address)?.received(frame);
    }
  }

  /**
   * Sends, and counts what was sent. Without an open socket only stateless messages are kept: whatever else the
   * stock class would queue, the first sync of the next socket says again, in one frame instead of hundreds.
   */
  override send(message: Uint8Array): void {
    const frame = readFrame(message);
    if (this.isOpen) {
      super.send(message);
      if (frame !== null) this.watchers.get(frame.address)?.sent(frame);
    } else if (frame?.kind === "stateless") {
      super.send(message);
    }
  }

  override onClose(parameters: CloseEvent): void {
    this.disarm();
    // With this set the stock class starts no timer of its own.
    this.cancelWebsocketRetry ??= () => undefined;
    super.onClose(parameters);
    const { code, reason } = parameters.event;
    this.tell((watcher) => watcher.lost(code, reason));
    this.scheduleIfIdle();
  }

  /** Ends the present socket at once and, where a document wants it, comes back after the usual delay. */
  drop(reason: string): void {
    if (this.webSocket === null) return;
    this.emit("close", { event: { code: 1000, reason } });
  }

  /** The server closed a document: give it a moment to close the socket, then do it. */
  expectClose(): void {
    this.arm(CLOSE_GRACE_MS, () => this.drop("the server closed the document"));
  }

  /** Takes a refused document off the socket without a word to the server, which has no such document open. */
  release(provider: HocuspocusProvider): void {
    this.configuration.providerMap.delete(provider.effectiveName);
    provider.detach();
    provider.onClose();
  }

  disconnectIfUnwanted(): void {
    if (!this.isWanted()) this.disconnect();
  }

  /** Goes offline until `connect()`. */
  override disconnect(): void {
    this.disarm();
    super.disconnect();
    this.drop("disconnected");
  }

  override destroy(): void {
    this.ended = true;
    this.disarm();
    super.destroy();
  }

  /** Ends everything; resolves when the socket is gone. Idempotent. */
  async close(): Promise<void> {
    // Listening first: Node tells of the end of an unfinished handshake inside close().
    const gone = this.webSocket === null ? undefined : untilClosed(this.webSocket);
    this.destroy();
    await gone;
  }

  private isWanted(): boolean {
    return [...this.watchers.values()].some((watcher) => watcher.wanted());
  }

  private tell(news: (watcher: SocketWatcher) => void): void {
    for (const watcher of this.watchers.values()) news(watcher);
  }

  private scheduleIfIdle(): void {
    const idle = this.timer === undefined && this.webSocket === null;
    if (this.ended || !this.shouldConnect || !idle || !this.isWanted()) return;
    if (this.openedAtMs !== undefined && Date.now() - this.openedAtMs >= STABLE_MS) {
      this.failures = 0;
    }
    this.openedAtMs = undefined;
    const delayMs = reconnectDelayMs(this.failures, this.backoff, Math.random());
    this.failures += 1;
    this.arm(delayMs, () => {
      // connect() reports failure by a close event; the promise of the stock class never rejects.
      this.connect().catch(() => this.scheduleIfIdle());
    });
  }

  private arm(delayMs: number, act: () => void): void {
    this.disarm();
    this.timer = setTimeout(() => {
      this.timer = undefined;
      act();
    }, delayMs);
  }

  private disarm(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}

async function untilClosed(socket: WebSocket): Promise<void> {
  if (socket.readyState === CLOSED) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    socket.addEventListener("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
