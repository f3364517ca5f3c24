/** What is looked at together, ms. */
const WINDOW_MS = 10_000;

/** Of that, one socket may keep the process busy with its updates for so long, ms. */
const MAX_BUSY_MS = 5000;

/**
 * How long the updates of a socket keep the process busy. In Yjs the price of an insertion grows with what others
 * inserted at the same place, so that no count of bytes or frames bounds it. By the clock, which is cheap to read:
 * honest typing takes a hundredth of this, on a busy machine too.
 */
export class ApplyMeter {
  readonly #windows = new WeakMap<object, { sinceMs: number; busyMs: number }>();

  /** Adds what began at `begunMs` and ends now; true: it is more than one socket may take. */
  isOver(socket: object, begunMs: number): boolean {
    const now = performance.now();
    const window = this.#windows.get(socket);
    if (window === undefined || now - window.sinceMs > WINDOW_MS) {
      this.#windows.set(socket, { sinceMs: begunMs, busyMs: now - begunMs });
      return false;
    }
    window.busyMs += now - begunMs;
    return window.busyMs > MAX_BUSY_MS;
  }
}
