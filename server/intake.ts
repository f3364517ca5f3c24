import type { WebSocket } from "ws";
import type { OnLimit } from "../extensions/limits.ts";
import type { TokenBucket } from "../extensions/token-bucket.ts";
import type { PrincipalBuckets } from "./socket-limits.ts";

/** The longest a socket is left unread at a time, ms: its pings and its close frame want to be read as well. */
const MAX_PAUSE_MS = 1000;

/**
 * How fast a socket is read. Whoever sends faster than his buckets allow, or what keeps the process busy for longer, is
 * not read until they have something again; then TCP tells him to wait. Nothing is lost and nobody is cut off for it.
 */
export class Intake {
  readonly #ws: WebSocket;
  readonly #frames: TokenBucket[];
  readonly #busy: TokenBucket[] = [];
  readonly #onLimit: OnLimit;
  #pause: NodeJS.Timeout | null = null;

  constructor(ws: WebSocket, frames: readonly TokenBucket[], onLimit: OnLimit) {
    this.#ws = ws;
    this.#frames = [...frames];
    this.#onLimit = onLimit;
  }

  /** What this socket shares with others of somebody who has signed in on it. */
  add({ frames, busy }: PrincipalBuckets): void {
    if (!this.#frames.includes(frames)) this.#frames.push(frames);
    if (!this.#busy.includes(busy)) this.#busy.push(busy);
  }

  /** A frame arrived; each KiB of it counts as one more. Subtractions: the clock is read when a bucket is empty. */
  received(bytes: number): void {
    for (const bucket of this.#frames) {
      if (!bucket.take(1 + (bytes >> 10))) this.#wait("frames_per_second");
    }
    // Another socket of his may have spent it.
    for (const bucket of this.#busy) if (bucket.owedMs > 0) this.#wait("updates_busy");
  }

  /** What arrived kept the process busy for so long, ms. */
  busyFor(ms: number): void {
    for (const bucket of this.#busy) if (!bucket.take(ms)) this.#wait("updates_busy");
  }

  close(): void {
    if (this.#pause !== null) clearTimeout(this.#pause);
    this.#pause = null;
  }

  #wait(limit: Parameters<OnLimit>[0]): void {
    if (this.#pause !== null) return;
    this.#onLimit(limit);
    this.#ws.pause();
    const owedMs = Math.max(...[...this.#frames, ...this.#busy].map((bucket) => bucket.owedMs));
    this.#pause = setTimeout(
      () => {
        this.#pause = null;
        this.#ws.resume();
      },
      Math.min(MAX_PAUSE_MS, owedMs),
    );
  }
}
