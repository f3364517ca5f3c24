/** How much may come: so much a second, and `burst` at once. */
export type Rate = { readonly perSecond: number; readonly burst: number };

/**
 * A token bucket that reads the clock only when it runs empty, so that taking from it costs a subtraction. In any
 * second it gives at most `perSecond` and twice `burst`.
 */
export class TokenBucket {
  readonly #rate: Rate;
  readonly #now: () => number;
  #left: number;
  #filledMs: number;
  #wanted = 0;

  constructor(rate: Rate, now = (): number => performance.now()) {
    this.#rate = rate;
    this.#now = now;
    this.#left = rate.burst;
    this.#filledMs = now();
  }

  /** Takes, also what is not there: the debt is paid before anything is given again. False while there is a debt. */
  take(tokens = 1): boolean {
    this.#left -= tokens;
    return this.#left >= 0 || this.#refill() >= 0;
  }

  /** Takes only what is there; a refusal costs nothing. */
  tryTake(tokens = 1): boolean {
    if (this.#left < tokens && this.#refill() < tokens) {
      this.#wanted = Math.min(tokens, this.#rate.burst);
      return false;
    }
    this.#left -= tokens;
    this.#wanted = 0;
    return true;
  }

  /** True until it has what was refused last: whoever waits for that gets it. */
  get isShort(): boolean {
    return this.#left < this.#wanted && this.#refill() < this.#wanted;
  }

  /** How long until nothing is owed, ms. */
  get owedMs(): number {
    const left = this.#left >= 0 ? this.#left : this.#refill();
    return left >= 0 ? 0 : (-left / this.#rate.perSecond) * 1000;
  }

  /** True when as much could be taken as from a new one: it can be forgotten. */
  get isFull(): boolean {
    return this.#refill() >= this.#rate.burst;
  }

  #refill(): number {
    const nowMs = this.#now();
    const gained = ((nowMs - this.#filledMs) / 1000) * this.#rate.perSecond;
    this.#left = Math.min(this.#rate.burst, this.#left + gained);
    this.#filledMs = nowMs;
    return this.#left;
  }
}

/** Fewer buckets than this are not worth looking through. */
const SWEEP_FROM = 1000;

/** A bucket for each key. One that is full again is forgotten, so strangers who came once leave nothing behind. */
export function createBuckets(rate: Rate): (key: string) => TokenBucket {
  const buckets = new Map<string, TokenBucket>();
  let sweepAt = SWEEP_FROM;
  return (key) => {
    const known = buckets.get(key);
    if (known !== undefined) return known;
    if (buckets.size >= sweepAt) {
      for (const [each, bucket] of buckets) if (bucket.isFull) buckets.delete(each);
      sweepAt = Math.max(SWEEP_FROM, 2 * buckets.size);
    }
    const bucket = new TokenBucket(rate);
    buckets.set(key, bucket);
    return bucket;
  };
}
