/** What was used last, by key; what was not used for longest makes room. */
export type Recent<Value> = {
  /** Undefined for what was never set, has made room or is over. */
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
  readonly size: number;
};

/**
 * Remembers at most `max` values, each for `forMs` after it was set: whoever has many names to invent (addresses,
 * keys, tokens) makes nothing grow.
 */
export function createRecent<Value>({
  max,
  forMs = Infinity,
}: {
  max: number;
  forMs?: number;
}): Recent<Value> {
  // A Map keeps the order of insertion: the first is the one that was not used for longest.
  const kept = new Map<string, { readonly value: Value; readonly untilMs: number }>();
  return {
    get(key) {
      const found = kept.get(key);
      if (found === undefined) return undefined;
      kept.delete(key);
      if (found.untilMs <= performance.now()) return undefined;
      kept.set(key, found);
      return found.value;
    },
    set(key, value) {
      kept.delete(key);
      const [oldest] = kept.size >= max ? kept.keys() : [];
      if (oldest !== undefined) kept.delete(oldest);
      kept.set(key, { value, untilMs: performance.now() + forMs });
    },
    delete: (key) => void kept.delete(key),
    get size() {
      return kept.size;
    },
  };
}
