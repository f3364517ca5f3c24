import type { JSONContent } from "@tiptap/core";

import { encodeCharacters } from "./content-entities.ts";
import { listAttributes } from "./content-html.ts";
import { imageMarkdown, renderInline } from "./content-markdown-inline.ts";
import { isPlainTable, renderTable } from "./content-markdown-table.ts";
import { codeInTags, listInTags, tableInTags } from "./content-markdown-tags.ts";
import {
  attribute,
  childrenOf,
  MAX_DEPTH,
  numberAttribute,
  textAttribute,
  textOf,
} from "./content-node.ts";
import { isLanguage } from "./document-attributes.ts";

/** Written for an empty paragraph, which Markdown has no other way to say. */
const EMPTY_PARAGRAPH = "&nbsp;";

/** A marker has at most nine digits; what those after the first say counts for nothing. */
const MAX_NUMBER = 999_999_999;

const LISTS: ReadonlySet<unknown> = new Set(["bulletList", "orderedList", "taskList"]);

/** Markdown's lists count in numbers. */
const isInLetters = (node: JSONContent): boolean =>
  node.type === "orderedList" && listAttributes(node)["type"] !== null;

const isList = (node: JSONContent | undefined): boolean =>
  node !== undefined && LISTS.has(node.type) && !isInLetters(node);

const indent = (text: string, by: number): string =>
  text.replace(/\n(?=[^\n])/gu, `\n${" ".repeat(by)}`);

function renderParagraph(node: JSONContent): string {
  const text = renderInline(childrenOf(node), { oneLine: false, inTable: false });
  return text === "" ? EMPTY_PARAGRAPH : text;
}

function renderHeading(node: JSONContent): string {
  const level = numberAttribute(node, "level", { from: 1, to: 6, fallback: 1 });
  const text = renderInline(childrenOf(node), { oneLine: true, inTable: false });
  // A closing run of # would be taken for decoration.
  const guarded = text.replace(/(?<=\s)#+$/u, String.raw`\$&`);
  return `${"#".repeat(level)} ${guarded}`.trimEnd();
}

function renderCodeBlock(node: JSONContent): string {
  const code = childrenOf(node).map(textOf).join("");
  if (/[\r\u2028\u2029]/u.test(code)) return codeInTags(node);
  const longest = Math.max(2, ...Array.from(code.matchAll(/`+/gu), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const language = textAttribute(node, "language") ?? "";
  const info = isLanguage(language)
    ? language.replace(/[^\p{L}\p{N}_.+#/:@-]/gu, encodeCharacters)
    : "";
  return `${fence}${info}\n${code === "" ? "" : `${code}\n`}${fence}`;
}

/** Lists side by side take turns with their markers, or they would be read as one list. */
function listMarker(node: JSONContent, index: number, alternate: boolean): string {
  if (node.type !== "orderedList") return alternate ? "*" : "-";
  const start = numberAttribute(node, "start", { from: 0, to: MAX_NUMBER, fallback: 1 });
  return `${Math.min(start + index, MAX_NUMBER)}${alternate ? ")" : "."}`;
}

function renderList(node: JSONContent, depth: number, alternate: boolean): string {
  const entries = childrenOf(node).map((entry, index) => {
    const marker = listMarker(node, index, alternate);
    const box = attribute(entry, "checked") === true ? "[x] " : "[ ] ";
    const text = renderBlocks(childrenOf(entry), depth + 1, true);
    const boxed = node.type === "taskList" ? `${box}${text}` : text;
    return `${marker} ${indent(boxed, marker.length + 1)}`;
  });
  return entries.join("\n");
}

function renderQuote(node: JSONContent, depth: number): string {
  const text = renderBlocks(childrenOf(node), depth + 1);
  return text
    .split("\n")
    .map((line) => (line === "" ? ">" : `> ${line}`))
    .join("\n");
}

function renderBlock(node: JSONContent, depth: number, alternate: boolean): string {
  if (isList(node)) return renderList(node, depth, alternate);
  switch (node.type) {
    case "paragraph":
      return renderParagraph(node);
    case "heading":
      return renderHeading(node);
    case "codeBlock":
      return renderCodeBlock(node);
    case "blockquote":
      return renderQuote(node, depth);
    case "table":
      return isPlainTable(node) ? renderTable(node) : tableInTags(node, insideTags(depth));
    case "orderedList":
      return listInTags(node, insideTags(depth));
    case "image":
      return imageMarkdown(node);
    case "horizontalRule":
      return "---";
    case undefined:
    default:
      return renderBlocks(childrenOf(node), depth + 1);
  }
}

const insideTags =
  (depth: number) =>
  (blocks: readonly JSONContent[]): string =>
    isEmpty(blocks) ? "" : renderBlocks(blocks, depth + 1);

/** True for no blocks, or nothing but an empty paragraph. */
const isEmpty = ([first, ...others]: readonly JSONContent[]): boolean =>
  first === undefined ||
  (others.length === 0 && first.type === "paragraph" && childrenOf(first).length === 0);

/** `tight` puts a list right under the paragraph it belongs to, as people write nested lists. */
function renderBlocks(nodes: readonly JSONContent[], depth: number, tight = false): string {
  if (depth > MAX_DEPTH) return "";
  let out = "";
  let alternate = false;
  nodes.forEach((node, index) => {
    const previous = nodes[index - 1];
    alternate = isList(node) && isList(previous) && !alternate;
    const under = tight && isList(node) && previous?.type === "paragraph";
    if (index > 0) out += under ? "\n" : "\n\n";
    out += renderBlock(node, depth, alternate);
  });
  return out;
}

/**
 * A document as Markdown (CommonMark with GitHub's tables, task lists and strikethrough) that `parseMarkdown`
 * reads back as the same content, without the ids of its blocks. What Markdown has no form for is written with
 * HTML tags: underline, emphasis where delimiters would be ambiguous, and around Markdown, as GitHub reads it, tables with
 * merged cells, column widths, headers elsewhere than in the first row or several blocks in a cell, and lists that count
 * in letters. Mentions are `[@label](mention:type/id)`, an empty paragraph is `&nbsp;`. Answers for any JSON.
 */
export function renderMarkdown(document: JSONContent): string {
  const blocks = childrenOf(document);
  return isEmpty(blocks) ? "" : `${renderBlocks(blocks, 0)}\n`;
}
