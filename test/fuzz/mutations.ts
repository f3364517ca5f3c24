import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { pick, type Random, upTo } from "./honest-edits.ts";

/** Numbers at which something could break. */
const EDGES = [0, 1, 2, 127, 128, 255, 16_383, 2 ** 29, 2 ** 31, 2 ** 32, 2 ** 53 - 1] as const;

type Mutation = (update: Uint8Array, other: Uint8Array, random: Random) => Uint8Array;

const flipBits: Mutation = (update, _other, random) => {
  const bytes = update.slice();
  for (let left = 1 + upTo(random, 4); left > 0; left -= 1) {
    const at = upTo(random, bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << upTo(random, 8));
  }
  return bytes;
};

const setByte: Mutation = (update, _other, random) => {
  const bytes = update.slice();
  bytes[upTo(random, bytes.length)] = upTo(random, 256);
  return bytes;
};

const truncate: Mutation = (update, _other, random) => update.slice(0, upTo(random, update.length));

const cutOut: Mutation = (update, _other, random) => {
  const from = upTo(random, update.length);
  const to = from + 1 + upTo(random, 8);
  return Uint8Array.from([...update.subarray(0, from), ...update.subarray(to)]);
};

const splice: Mutation = (update, other, random) =>
  Uint8Array.from([
    ...update.subarray(0, upTo(random, update.length)),
    ...other.subarray(upTo(random, other.length)),
  ]);

/** Reads a number anywhere and writes another in its place: a count, a client, a clock, a length. */
const changeNumber: Mutation = (update, _other, random) => {
  const from = upTo(random, update.length);
  const decoder = decoding.createDecoder(update);
  decoder.pos = from;
  let value = 0;
  try {
    value = decoding.readVarUint(decoder);
  } catch {
    return update.slice(0, from);
  }
  const changed = random() < 0.5 ? pick(random, EDGES) : Math.max(0, value + upTo(random, 5) - 2);
  const encoder = encoding.createEncoder();
  encoding.writeUint8Array(encoder, update.subarray(0, from));
  encoding.writeVarUint(encoder, changed);
  encoding.writeUint8Array(encoder, update.subarray(decoder.pos));
  return encoding.toUint8Array(encoder);
};

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  setByte,
  truncate,
  cutOut,
  splice,
  changeNumber,
  changeNumber,
];

/** An honest update with one thing, or a few things, wrong with it. */
export function mutated(update: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let bytes = update;
  const times = random() < 0.7 ? 1 : 1 + upTo(random, 4);
  for (let left = times; left > 0; left -= 1) {
    if (bytes.length === 0) return bytes;
    bytes = pick(random, MUTATIONS)(bytes, other, random);
  }
  return bytes;
}
