import type * as Y from "yjs";
import type { Anchor, ResolvedAnchor } from "../../schema/anchor.ts";
import { plainText } from "../../schema/content-text.ts";
import { yDocToContent } from "../../schema/yjs-content.ts";

/** Characters in every phrase that are nowhere else: so the oracle knows where a phrase is, whatever was done. */
const OWN_LENGTH = 24;
const FIRST = 0x4e_00;

/** The characters of the phrase with this number. */
const ownCharacters = (number: number): string[] =>
  Array.from({ length: OWN_LENGTH }, (_, at) =>
    String.fromCodePoint(FIRST + number * OWN_LENGTH + at),
  );

/** A phrase of words that are nowhere else; those with odd numbers begin and end alike. */
export function phrase(number: number): string {
  const own = ownCharacters(number).slice(0, 6 + ((number * 5) % (OWN_LENGTH - 5)));
  const words = own.map((character, at) => (at % 4 === 3 ? `${character} ` : character));
  const unique = words.join("").trim();
  return number % 2 === 0 ? unique : `as we said ${unique} and so on`;
}

const phraseOf = (character: string): number | null => {
  const code = (character.codePointAt(0) ?? 0) - FIRST;
  return code >= 0 && code < 1000 * OWN_LENGTH ? Math.floor(code / OWN_LENGTH) : null;
};

const squeezed = (text: string): string => text.replaceAll(/\s+/gu, "");

/** From here on a phrase has to be found wherever it is, if it is there once. */
const ALWAYS_FOUND = 16;

/** The words of a document, as the oracle compares them. */
export const wordsIn = (doc: Y.Doc): string => squeezed(plainText(yDocToContent(doc)));

type Resolved = { number: number; anchor: Anchor; found: ResolvedAnchor | null };

/** True where the phrase is there once, and not a second time in part: an edited copy of it is as good a place. */
function isThereOnce(text: string, quote: string): boolean {
  if (text.split(quote).length !== 2) return false;
  const own = Array.from(quote).filter((character) => phraseOf(character) !== null);
  return own.every((character) => text.indexOf(character) === text.lastIndexOf(character));
}

/** What is wrong with where an anchor on a phrase is said to be; null when it is right. */
export function faultOf(text: string, { number, anchor, found }: Resolved): string | null {
  const quote = squeezed(anchor.quote);
  const isOnce = isThereOnce(text, quote);
  if (found === null) {
    return isOnce && quote.length >= ALWAYS_FOUND ? "detached, though it is there" : null;
  }
  const owners = Array.from(found.text, phraseOf);
  if (!owners.includes(number) && !isRest(anchor, found)) return `on other words: ${found.text}`;
  // What was pasted between the ends of a phrase is in it now; what stands beside them is not.
  const isBegun = found.text.slice(0, 1) === anchor.quote.slice(0, 1);
  const isEnded = found.text.slice(-1) === anchor.quote.slice(-1);
  const first = isBegun ? 0 : owners.indexOf(number);
  const last = isEnded ? owners.length : owners.lastIndexOf(number);
  const isBeside = (owner: number | null, at: number): boolean =>
    owner !== null && owner !== number && (at < first || at > last);
  if (owners.some(isBeside)) return `on other words too: ${found.text}`;
  if (isOnce && squeezed(found.text) !== quote) return `not all of it: ${found.text}`;
  const ranged = found.ranges.map(wordsOf).join("");
  if (squeezed(ranged) !== squeezed(found.text)) return `its ranges say ${ranged}`;
  return null;
}

/**
 * True when this may be what is left of a phrase after its own characters were deleted or cut out: words that others
 * have too, with nothing between them, in the block where they always were. All that the oracle cannot tell apart.
 */
function isRest({ quote, blockId }: Anchor, found: ResolvedAnchor): boolean {
  if (found.ranges.some((range) => range.blockId !== blockId)) return false;
  let at = -1;
  return Array.from(squeezed(found.text)).every(
    (character) => (at = quote.indexOf(character, at + 1)) !== -1,
  );
}

function wordsOf({ text, from, to }: ResolvedAnchor["ranges"][number]): string {
  const delta = text.toDelta() as { insert: string }[];
  return delta
    .map(({ insert }) => insert)
    .join("")
    .slice(from, to);
}
