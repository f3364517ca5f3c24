const HOUR_MS = 3_600_000;

/** From so many on, those who have not written for an hour are forgotten. */
const FORGET_FROM = 10_000;

/** How many new Yjs client ids an author may bring into a document in an hour: each stays in its state vector for good. */
export class NewClients {
  readonly #limit: number;
  readonly #counts = new Map<string, { count: number; sinceMs: number }>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts them; false: that would be too many. */
  take(who: string, count: number): boolean {
    const now = performance.now();
    const known = this.#counts.get(who);
    const entry =
      known === undefined || now - known.sinceMs > HOUR_MS ? { count: 0, sinceMs: now } : known;
    if (entry.count + count > this.#limit) return false;
    entry.count += count;
    this.#counts.set(who, entry);
    if (this.#counts.size > FORGET_FROM) this.#forget(now);
    return true;
  }

  #forget(now: number): void {
    for (const [who, { sinceMs }] of this.#counts) {
      if (now - sinceMs > HOUR_MS) this.#counts.delete(who);
    }
  }
}
