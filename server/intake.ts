import type { WebSocket } from "ws";
import type { TokenBucket } from "../extensions/token-bucket.ts";

/** The longest a socket is left unread at a time, ms: its pings and its close frame want to be read as well. */
const MAX_PAUSE_MS = 1000;

/**
 * How fast a socket is read. Whoever sends faster than his buckets allow is not read until they have something again;
 * then TCP tells him to wait. Nothing is lost and nobody is cut off for being quick.
 */
export class Intake {
  readonly #ws: WebSocket;
  readonly #buckets: TokenBucket[];
  readonly #onPaused: () => void;
  #pause: NodeJS.Timeout | null = null;

  constructor(ws: WebSocket, buckets: readonly TokenBucket[], onPaused: () => void) {
    this.#ws = ws;
    this.#buckets = [...buckets];
    this.#onPaused = onPaused;
  }

  /** One more that this socket shares with others. */
  add(bucket: TokenBucket): void {
    if (!this.#buckets.includes(bucket)) this.#buckets.push(bucket);
  }

  /** A frame arrived; each KiB of it counts as one more. Subtractions: the clock is read when a bucket is empty. */
  received(bytes: number): void {
    for (const bucket of this.#buckets) if (!bucket.take(1 + (bytes >> 10))) this.#wait();
  }

  close(): void {
    if (this.#pause !== null) clearTimeout(this.#pause);
    this.#pause = null;
  }

  #wait(): void {
    if (this.#pause !== null) return;
    this.#onPaused();
    this.#ws.pause();
    const owedMs = Math.max(...this.#buckets.map((bucket) => bucket.owedMs));
    this.#pause = setTimeout(
      () => {
        this.#pause = null;
        this.#ws.resume();
      },
      Math.min(MAX_PAUSE_MS, owedMs),
    );
  }
}
