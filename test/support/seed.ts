function seedOfThisRun(): number {
  const given = process.env["TEST_SEED"];
  if (given === undefined || given === "") return Math.floor(Math.random() * 2 ** 32);
  const seed = Number(given);
  if (!Number.isInteger(seed)) throw new RangeError(`TEST_SEED is "${given}", not an integer`);
  return seed;
}

/** The seed of this test file: `TEST_SEED` if given, else a new one, printed so that a failure can be repeated. */
const seed = seedOfThisRun();

// oxlint-disable-next-line no-console -- vitest prints it under the name of the test file
console.info(`TEST_SEED=${seed} repeats this file`);

/**
 * A stream of numbers in [0, 1) that depends on its seed alone.
 *
 * mulberry32, Tommy Ettinger: 32 bits of state, enough to choose edits and delays, not to keep secrets.
 */
export function createRandom(from: number = seed): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
