import type { JSONContent } from "@tiptap/core";

import { imageMarkdown, renderInline } from "./content-markdown-inline.ts";
import { renderTable } from "./content-markdown-table.ts";
import {
  attribute,
  childrenOf,
  MAX_DEPTH,
  numberAttribute,
  textAttribute,
  textOf,
} from "./content-node.ts";

/** Written for an empty paragraph, which Markdown has no other way to say. */
const EMPTY_PARAGRAPH = "&nbsp;";

const LISTS: ReadonlySet<unknown> = new Set(["bulletList", "orderedList", "taskList"]);

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
  const longest = Math.max(2, ...Array.from(code.matchAll(/`+/gu), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const language = textAttribute(node, "language") ?? "";
  const info = /^[\w.+#/:@-]+$/u.test(language) ? language : "";
  return `${fence}${info}\n${code === "" ? "" : `${code}\n`}${fence}`;
}

/** Lists side by side take turns with their markers, or they would be read as one list. */
function listMarker(node: JSONContent, index: number, alternate: boolean): string {
  if (node.type !== "orderedList") return alternate ? "*" : "-";
  const start = numberAttribute(node, "start", { from: 0, to: 999_999_999, fallback: 1 });
  return `${start + index}${alternate ? ")" : "."}`;
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
  if (LISTS.has(node.type)) return renderList(node, depth, alternate);
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
      return renderTable(node);
    case "image":
      return imageMarkdown(node);
    case "horizontalRule":
      return "---";
    case undefined:
    default:
      return renderBlocks(childrenOf(node), depth + 1);
  }
}

/** `tight` puts a list right under the paragraph it belongs to, as people write nested lists. */
function renderBlocks(nodes: readonly JSONContent[], depth: number, tight = false): string {
  if (depth > MAX_DEPTH) return "";
  let out = "";
  let alternate = false;
  nodes.forEach((node, index) => {
    const previous = nodes[index - 1];
    alternate = LISTS.has(node.type) && LISTS.has(previous?.type) && !alternate;
    const under = tight && LISTS.has(node.type) && previous?.type === "paragraph";
    if (index > 0) out += under ? "\n" : "\n\n";
    out += renderBlock(node, depth, alternate);
  });
  return out;
}

/**
 * A document as Markdown (CommonMark with GitHub's tables, task lists and strikethrough) that `parseMarkdown`
 * reads back as the same content. What Markdown cannot say is lost: block ids, column widths, merged
 * cells, headers elsewhere than in the first row, several blocks in one cell, a list's letter style.
 * Underline, and emphasis where delimiters would be ambiguous, are written as HTML tags; mentions as
 * `[@label](mention:type/id)`; an empty paragraph as `&nbsp;`. Answers for any JSON.
 */
export function renderMarkdown(document: JSONContent): string {
  const blocks = childrenOf(document);
  const [first] = blocks;
  const empty =
    blocks.length === 1 && first?.type === "paragraph" && childrenOf(first).length === 0;
  return empty || blocks.length === 0 ? "" : `${renderBlocks(blocks, 0)}\n`;
}
