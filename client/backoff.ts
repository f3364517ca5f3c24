/** When a lost socket is tried again. All in milliseconds; `factor` is per failed attempt. */
export type Backoff = {
  readonly minMs: number;
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
};

/**
 * The first retry comes 100–500 ms after the loss, the sixth within 8 s. 8 s and not more, so that a client is
 * back within 10 s of the server (T12).
 */
export const DEFAULT_BACKOFF: Backoff = { minMs: 100, firstMs: 500, factor: 1.7, maxMs: 8_000 };

/**
 * How long to wait before the next attempt, in ms: full jitter between `minMs` and a ceiling that grows with
 * `failures`, so that 2,000 clients of a restarted server do not come in one instant.
 * @param random in [0, 1)
 */
export function reconnectDelayMs(failures: number, backoff: Backoff, random: number): number {
  const ceilingMs = Math.min(backoff.maxMs, backoff.firstMs * backoff.factor ** failures);
  return Math.round(backoff.minMs + random * Math.max(0, ceilingMs - backoff.minMs));
}
