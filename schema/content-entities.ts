/** The character references people write by hand; numeric ones are all understood. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
  ["nbsp", "\u00A0"],
  ["copy", "\u00A9"],
  ["reg", "\u00AE"],
  ["trade", "\u2122"],
  ["hellip", "\u2026"],
  ["ndash", "\u2013"],
  ["mdash", "\u2014"],
  ["lsquo", "\u2018"],
  ["rsquo", "\u2019"],
  ["ldquo", "\u201C"],
  ["rdquo", "\u201D"],
  ["laquo", "\u00AB"],
  ["raquo", "\u00BB"],
  ["bull", "\u2022"],
  ["middot", "\u00B7"],
  ["times", "\u00D7"],
  ["deg", "\u00B0"],
  ["plusmn", "\u00B1"],
  ["euro", "\u20AC"],
  ["larr", "\u2190"],
  ["rarr", "\u2192"],
  ["le", "\u2264"],
  ["ge", "\u2265"],
  ["ne", "\u2260"],
]);

const REFERENCE = /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z]{2,8}));/gu;
const LAST_CODE_POINT = 0x10_ff_ff;

/** Replaces character references (`&amp;`, `&#32;`) by what they stand for, in one pass. */
export const decodeEntities = (text: string): string =>
  text.replace(
    REFERENCE,
    (whole: string, decimal?: string, hexadecimal?: string, name?: string) => {
      if (name !== undefined) return NAMED.get(name) ?? whole;
      const code = decimal === undefined ? Number.parseInt(hexadecimal ?? "", 16) : Number(decimal);
      return code === 0 || code > LAST_CODE_POINT ? "\uFFFD" : String.fromCodePoint(code);
    },
  );

/** Keeps an `&` that would begin a character reference an `&`. */
export const encodeAmpersands = (text: string): string => text.replace(/&(?=#?\w+;)/gu, "&amp;");

/** Each character of the text as a numeric reference. */
export const encodeCharacters = (text: string): string =>
  Array.from(text, (character) => `&#${character.codePointAt(0)};`).join("");
