import type { JSONContent } from "@tiptap/core";

import { cellAttributes, listAttributes, openTag, renderHtml } from "./content-html.ts";
import { encodeCharacters } from "./content-entities.ts";
import { childrenOf, textAttribute } from "./content-node.ts";

/** Writes blocks as Markdown; "" for a single empty paragraph. */
export type RenderInside = (blocks: readonly JSONContent[]) => string;

/** Between empty lines Markdown is read again, also by other readers. */
const inTags = (tag: string, opened: string, markdown: string): string =>
  markdown === "" ? `${opened}</${tag}>` : `${opened}\n\n${markdown}\n\n</${tag}>`;

const lines = (...parts: readonly (string | readonly string[])[]): string =>
  parts.flat().join("\n");

/** A table as tags with Markdown in its cells: for what GitHub's form of tables cannot say. */
export function tableInTags(table: JSONContent, inside: RenderInside): string {
  const rows = childrenOf(table).map((row) => {
    const cells = childrenOf(row).map((cell) => {
      const tag = cell.type === "tableHeader" ? "th" : "td";
      return inTags(tag, openTag(tag, cellAttributes(cell)), inside(childrenOf(cell)));
    });
    return lines("<tr>", cells, "</tr>");
  });
  return lines("<table>", rows, "</table>");
}

/** A list as tags with Markdown in its entries: for one that counts in letters. */
export function listInTags(list: JSONContent, inside: RenderInside): string {
  const entries = childrenOf(list).map((entry) =>
    inTags("li", openTag("li"), inside(childrenOf(entry))),
  );
  return lines(openTag("ol", listAttributes(list)), entries, "</ol>");
}

/** Code as tags, on one line: for characters that Markdown takes for the end of a line. */
export function codeInTags(code: JSONContent): string {
  const language = textAttribute(code, "language");
  return renderHtml({ ...code, attrs: { language } }).replace(
    /[\n\r\u2028\u2029]/gu,
    encodeCharacters,
  );
}
