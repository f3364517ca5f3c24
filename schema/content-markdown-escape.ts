import { encodeAmpersands, encodeCharacters } from "./content-entities.ts";

/**
 * Backslashes before what Markdown would read as formatting, links or HTML; white space that it would drop
 * or turn into something else as references.
 */
export function escapeText(text: string): string {
  return encodeAmpersands(text)
    .replace(/[\\`*[\]<~|]/gu, String.raw`\$&`)
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, String.raw`\_`)
    .replace(/:(?=\/\/)/gu, String.raw`\:`)
    .replace(/(www)\./giu, String.raw`$1\.`)
    .replace(/(?<=[\w.+-])@(?=\w)/gu, String.raw`\@`)
    .replace(/[\n\r\t\v\f\u0085\u2028\u2029]/gu, encodeCharacters);
}

/** Beginning and end of a line lose their white space when read, so there it is written as references. */
export function guardEdges(line: string): string {
  const guarded = line.replace(/^\s+|\s+$/gu, encodeCharacters);
  if (/^(?:[#+\-=>:]|&gt;)/u.test(guarded)) return `\\${guarded}`;
  return guarded.replace(/^(\d{1,9})([.)])(?=\s|$)/u, String.raw`$1\$2`);
}

/** Brackets as references: inside a link's text marked takes the backslashes away too early. */
export const bracketsAsEntities = (escaped: string): string =>
  escaped.replace(/\\([[\]])/gu, (_, bracket: string) => encodeCharacters(bracket));

/** Code that no span can hold: line breaks, space at an edge, a backslash that marked would count for something. */
const UNSPEAKABLE = /[\n\r\t\u2028\u2029]|^\s|\s$|\\(?:$|[^\x20-\x7E])/u;

/** A code span as long as it can be literal there, else `<code>` with escaped text. */
export function codeSpan(text: string, place: { inTable: boolean; inLink: boolean }): string {
  const breaksPlace =
    (place.inTable && text.includes("|")) || (place.inLink && /[[\]\\`]/u.test(text));
  if (breaksPlace || UNSPEAKABLE.test(text)) {
    return `<code>${bracketsAsEntities(escapeText(text))}</code>`;
  }
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/gu), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `\`${text}\`` : `${fence} ${text} ${fence}`;
}

/** References, for marked would see a backslash or delimiter here as part of the text around the link. */
const escapeTitle = (title: string): string =>
  encodeAmpersands(title).replace(/["\\|<*_~`()[\]\n\r\t\u2028\u2029]/gu, encodeCharacters);

/** `(address "title")`, the end of a link or image. */
export function linkTarget(url: string, title: string | null): string {
  const escaped = encodeAmpersands(url).replace(/[\\()*_|[\]`~]/gu, String.raw`\$&`);
  return title === null ? `(${escaped})` : `(${escaped} "${escapeTitle(title)}")`;
}
