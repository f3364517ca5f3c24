/** A body on its way: bytes, for it need not be text. */
export type BadBody = { readonly kind: string; readonly bytes: Buffer };

type Random = () => number;

const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)] as T;

const nested = (depth: number, open: string, close: string): string =>
  `${open.repeat(depth)}${close.repeat(depth)}`;

/** JSON values, as text, that stand in the place of a good one. */
const VALUES: readonly string[] = [
  "null",
  "true",
  "-0",
  "0.1",
  "1e400",
  "-1e400",
  "9".repeat(400),
  "1e-400",
  "2147483648",
  "9007199254740993",
  '""',
  '" "',
  String.raw`"\u0000"`,
  String.raw`"a\u0000b"`,
  String.raw`"\ud800"`,
  String.raw`"\udc00\ud800"`,
  String.raw`"\ufffe\uffff"`,
  String.raw`"\u202e\u2066"`,
  `"${"x".repeat(5000)}"`,
  `"${"\u{1f469}\u200d".repeat(500)}"`,
  '"__proto__"',
  '{"__proto__":{"admin":true}}',
  '{"constructor":{"prototype":{"admin":true}}}',
  '{"toString":1,"length":-1}',
  "[]",
  "{}",
  "[[[]]]",
  nested(5000, "[", "]"),
  `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`,
  `${'{"type":"doc","content":['.repeat(1500)}${"]}".repeat(1500)}`,
  `[${"0,".repeat(5000)}0]`,
];

/** Texts that are no JSON, or JSON with something around it. */
const TEXTS: readonly string[] = [
  "",
  " ",
  "\0",
  "{",
  "}",
  "[",
  '"',
  "nul",
  "undefined",
  "NaN",
  "Infinity",
  "01",
  "1.",
  "+1",
  "0x1",
  "'a'",
  "{'a':1}",
  "{a:1}",
  '{"a":1,}',
  '{"a" 1}',
  '{"a":1}{"a":1}',
  '{"a":1}//x',
  '/**/{"a":1}',
  "<a/>",
  "a=1&b=2",
  '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--',
  nested(20_000, "[", ""),
  "[".repeat(60_000),
  '{"":'.repeat(10_000),
];

type Bend = (text: string, random: Random) => string | Buffer;

const place = (text: string, random: Random): number => Math.floor(random() * (text.length + 1));

const replaceValue: Bend = (text, random) => {
  const values = [...text.matchAll(/(?<=[:[,])\s*(?:"(?:[^"\\]|\\.)*"|\d+|true|false|null)/gu)];
  if (values.length === 0) return pick(random, VALUES);
  const chosen = pick(random, values);
  return `${text.slice(0, chosen.index)}${pick(random, VALUES)}${text.slice(chosen.index + chosen[0].length)}`;
};

/** How a good body becomes a bad one. */
const BENDS: Readonly<Record<string, Bend>> = {
  cut: (text, random) => text.slice(0, place(text, random)),
  "another value": replaceValue,
  "a value alone": (_, random) => pick(random, VALUES),
  "no JSON": (_, random) => pick(random, TEXTS),
  "a key twice": (text, random) => text.replace("{", `{"name":${pick(random, VALUES)},`),
  "a key that nobody knows": (text, random) => text.replace("{", `{"x":${pick(random, VALUES)},`),
  "a hostile key": (text, random) => text.replace("{", `{"__proto__":${pick(random, VALUES)},`),
  "a byte that is no text": (text, random) => {
    const bytes = Buffer.from(text);
    const at = Math.floor(random() * (bytes.length + 1));
    const odd = pick(random, [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80], [0x00]]);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(odd), bytes.subarray(at)]);
  },
  "a character in it": (text, random) => {
    const at = place(text, random);
    const odd = pick(random, [
      '"',
      "\\",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "\0",
      "\u2028",
      "\ufeff",
      "\\u0000",
      "\\ud800",
    ]);
    return `${text.slice(0, at)}${odd}${text.slice(at)}`;
  },
  "two of it": (text) => `${text}${text}`,
  "a mark before it": (text) => `\ufeff${text}`,
  "another encoding": (text) => Buffer.from(text, "utf16le"),
};

/** Bends a good body in a way that the seed chooses. */
export function bend(text: string, random: Random): BadBody {
  const [kind, how] = pick(random, Object.entries(BENDS));
  const bent = how(text, random);
  return { kind, bytes: typeof bent === "string" ? Buffer.from(bent) : bent };
}

/** True when the bytes are JSON in UTF-8; a mark before it is no part of it. */
export function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}
