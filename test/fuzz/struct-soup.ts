import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import { pick, type Random, upTo } from "./honest-edits.ts";

/** What structs may refer to: some that are there, some that are not. */
type Soup = {
  readonly random: Random;
  readonly encoder: encoding.Encoder;
  /** What is reached under each client id, with what the soup holds so far. */
  readonly clocks: Map<number, number>;
};

const KEYS = ["id", "level", "__proto__", "constructor", "x".repeat(300), ""] as const;
const ROOTS = ["default", "diagram", "threads", "__proto__", "other", ""] as const;
const NAMES = ["paragraph", "heading", "constructor", "a b", "<p>", "tableCell"] as const;
const VALUES: readonly unknown[] = [
  null,
  1,
  "text",
  { a: 1 },
  [[[[1]]]],
  { a: { b: { c: [] } } },
  { constructor: 1 },
  JSON.parse('{"__proto__":{"a":1}}'),
  Array.from({ length: 20 }).reduce<unknown>((inner) => [inner], 1),
  new Uint8Array(3),
  10n,
  Number.NaN,
];

const isJson = (value: unknown): boolean =>
  typeof value !== "bigint" && !(value instanceof Uint8Array);

function writeId({ random, encoder, clocks }: Soup, own: number): void {
  const client = random() < 0.3 ? own : pick(random, [...clocks.keys()]);
  const reached = clocks.get(client) ?? 0;
  const clock = random() < 0.95 ? upTo(random, reached) : reached + upTo(random, 3);
  encoding.writeVarUint(encoder, client);
  encoding.writeVarUint(encoder, Math.max(0, clock));
}

/** What can stand in an item, by Yjs' number for it; each answers its length. */
const CONTENTS: readonly [number, (soup: Soup) => number][] = [
  [1, (soup) => writeLength(soup)],
  [2, ({ random, encoder }) => writeValues(random, encoder, "json")],
  [3, ({ encoder }) => (encoding.writeVarUint8Array(encoder, Uint8Array.of(1, 2)), 1)],
  [4, ({ random, encoder }) => writeText(encoder, pick(random, ["a", "bcd", "👩", ""]))],
  [4, ({ random, encoder }) => writeText(encoder, pick(random, ["a", "b c ", "👩👩"]))],
  [5, ({ random, encoder }) => (encoding.writeVarString(encoder, jsonText(random)), 1)],
  [6, ({ random, encoder }) => writeFormat(random, encoder)],
  [7, ({ random, encoder }) => writeType(random, encoder)],
  [7, ({ random, encoder }) => writeType(random, encoder)],
  [8, ({ random, encoder }) => writeValues(random, encoder, "any")],
  [9, ({ encoder }) => writeSubdocument(encoder)],
];

const jsonText = (random: Random): string => JSON.stringify(pick(random, VALUES.filter(isJson)));

function writeLength({ random, encoder }: Soup): number {
  const length = random() < 0.9 ? 1 + upTo(random, 5) : pick(random, [0, 2 ** 30, 2 ** 52]);
  encoding.writeVarUint(encoder, length);
  return length;
}

function writeText(encoder: encoding.Encoder, text: string): number {
  encoding.writeVarString(encoder, text);
  return text.length;
}

function writeValues(random: Random, encoder: encoding.Encoder, form: "json" | "any"): number {
  const count = upTo(random, 3);
  encoding.writeVarUint(encoder, count);
  for (let left = count; left > 0; left -= 1) {
    if (form === "json") encoding.writeVarString(encoder, jsonText(random));
    else encoding.writeAny(encoder, pick(random, VALUES) as undefined);
  }
  return count;
}

function writeFormat(random: Random, encoder: encoding.Encoder): number {
  encoding.writeVarString(encoder, pick(random, [...KEYS, "bold", "link--aGVsbG8h"]));
  encoding.writeVarString(encoder, jsonText(random));
  return 1;
}

function writeType(random: Random, encoder: encoding.Encoder): number {
  const type = pick(random, [3, 3, 3, 6, 6, 0, 1, 2, 4, 5, 7]);
  encoding.writeVarUint(encoder, type);
  if (type === 3 || type === 5) encoding.writeVarString(encoder, pick(random, NAMES));
  return 1;
}

function writeSubdocument(encoder: encoding.Encoder): number {
  encoding.writeVarString(encoder, "guid");
  encoding.writeAny(encoder, {});
  return 1;
}

/** One struct; answers its length. */
function writeStruct(soup: Soup, client: number): number {
  const { random, encoder } = soup;
  if (random() < 0.05) {
    encoding.writeUint8(encoder, pick(random, [0, 10]));
    return writeLength(soup);
  }
  const [content, write] = pick(random, CONTENTS);
  const [left, right, key] = [random() < 0.5, random() < 0.3, random() < 0.3];
  encoding.writeUint8(encoder, content | (left ? 128 : 0) | (right ? 64 : 0) | (key ? 32 : 0));
  if (left) writeId(soup, client);
  if (right) writeId(soup, client);
  if (!left && !right) {
    const isRoot = random() < 0.4;
    encoding.writeVarUint(encoder, isRoot ? 1 : 0);
    if (isRoot) encoding.writeVarString(encoder, pick(random, ROOTS));
    else writeId(soup, client);
    if (key) encoding.writeVarString(encoder, pick(random, KEYS));
  }
  return write(soup);
}

function writeDeletions({ random, encoder, clocks }: Soup): void {
  const clients = [...clocks.keys()].slice(0, upTo(random, 3));
  encoding.writeVarUint(encoder, clients.length);
  for (const client of clients) {
    const ranges = upTo(random, 3);
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, ranges);
    for (let left = ranges; left > 0; left -= 1) {
      encoding.writeVarUint(encoder, upTo(random, (clocks.get(client) ?? 0) + 1));
      encoding.writeVarUint(encoder, 1 + upTo(random, 4));
    }
  }
}

/** An update that no encoder wrote: structs of all kinds that refer to what is there, to one another, and to nothing. */
export function structSoup(
  state: Uint8Array,
  clients: readonly number[],
  random: Random,
): Uint8Array {
  const clocks = Y.decodeStateVector(Y.encodeStateVectorFromUpdate(state));
  const soup: Soup = { random, encoder: encoding.createEncoder(), clocks };
  const writers = clients.filter(() => random() < 0.5);
  encoding.writeVarUint(soup.encoder, writers.length);
  for (const client of writers) {
    const structs = 1 + upTo(random, 6);
    let clock = clocks.get(client) ?? 0;
    if (random() < 0.1) clock = Math.max(0, clock + upTo(random, 7) - 3);
    encoding.writeVarUint(soup.encoder, structs);
    encoding.writeVarUint(soup.encoder, client);
    encoding.writeVarUint(soup.encoder, clock);
    for (let left = structs; left > 0; left -= 1) {
      clock += writeStruct(soup, client);
      clocks.set(client, clock);
    }
  }
  writeDeletions(soup);
  return encoding.toUint8Array(soup.encoder);
}
