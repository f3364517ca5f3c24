import type { JSONContent } from "@tiptap/core";

import { imageMarkdown, renderInline } from "./content-markdown-inline.ts";
import { childrenOf, MAX_DEPTH, numberAttribute, textAttribute, textOf } from "./content-node.ts";

const MAX_COLUMNS = 1000;
const RULES: Readonly<Record<string, string>> = { left: ":---", center: ":---:", right: "---:" };
const PLACE = { oneLine: true, inTable: true };

/** The blocks of a cell on one line: Markdown has no blocks inside cells, so a break stands between them. */
function cellText(node: JSONContent, depth = 0): string {
  if (depth > MAX_DEPTH) return "";
  if (node.type === "image") return imageMarkdown(node);
  if (node.type === "codeBlock") {
    const marks = [{ type: "code" }];
    const text = childrenOf(node).map(textOf).join("");
    return text === "" ? "" : renderInline([{ type: "text", text, marks }], PLACE);
  }
  if (node.type === "paragraph" || node.type === "heading") {
    return renderInline(childrenOf(node), PLACE);
  }
  return childrenOf(node)
    .map((child) => cellText(child, depth + 1))
    .filter((text) => text !== "")
    .join("<br>");
}

/** A row's cells; a merged cell is followed by empty ones, so that the columns stay in place. */
const rowTexts = (row: JSONContent): string[] =>
  childrenOf(row).flatMap((cell) => {
    const colspan = numberAttribute(cell, "colspan", { from: 1, to: MAX_COLUMNS, fallback: 1 });
    return [cellText(cell), ...Array.from({ length: colspan - 1 }, () => "")];
  });

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** A table in GitHub's form. Its first row is the header there, whatever it was here. */
export function renderTable(table: JSONContent): string {
  const rows = childrenOf(table);
  const texts = rows.map(rowTexts);
  const columns = Math.max(1, ...texts.map(({ length }) => length));
  const aligns = childrenOf(rows[0] ?? {}).map((cell) => textAttribute(cell, "align") ?? "");
  const rule = Array.from({ length: columns }, (_, column) => {
    const align = aligns[column] ?? "";
    return Object.hasOwn(RULES, align) ? (RULES[align] ?? "---") : "---";
  });
  const padded = texts.map((cells) =>
    Array.from({ length: columns }, (_, column) => cells[column] ?? ""),
  );
  const [header, ...body] = padded;
  return [line(header ?? []), line(rule), ...body.map(line)].join("\n");
}
