import type { JSONContent } from "@tiptap/core";

import { childrenOf, MAX_DEPTH, mentionText, textOf } from "./content-node.ts";

/** Nodes that hold text and inline nodes; each makes one line, or several when it has hard breaks. */
const TEXT_BLOCKS: ReadonlySet<unknown> = new Set(["paragraph", "heading", "codeBlock"]);
const INLINE: ReadonlySet<unknown> = new Set(["text", "mention", "hardBreak"]);

function inlineText(node: JSONContent): string {
  if (node.type === "mention") return mentionText(node);
  return node.type === "hardBreak" ? "\n" : textOf(node);
}

function collectLines(node: JSONContent, depth: number, lines: string[]): void {
  const children = childrenOf(node);
  // An unknown node counts as a text block as soon as it has text of its own.
  if (TEXT_BLOCKS.has(node.type) || children.some(({ type }) => INLINE.has(type))) {
    lines.push(children.map(inlineText).join(""));
    return;
  }
  if (depth < MAX_DEPTH) children.forEach((child) => collectLines(child, depth + 1, lines));
}

/**
 * The words of a document: one line for each block, table cells and list entries included, mentions as
 * `@label`. Answers for any JSON, also for nodes that the schema does not have.
 */
export function plainText(document: JSONContent): string {
  const lines: string[] = [];
  collectLines(document, 0, lines);
  return lines.join("\n");
}
