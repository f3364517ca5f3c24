import type { JSONContent } from "@tiptap/core";

import { cellAttributes } from "./content-html.ts";
import { renderInline } from "./content-markdown-inline.ts";
import { MAX_TABLE_CELLS } from "./content-markdown-lexer.ts";
import { childrenOf, textAttribute } from "./content-node.ts";

const RULES: ReadonlyMap<string, string> = new Map([
  ["left", ":---"],
  ["center", ":---:"],
  ["right", "---:"],
]);
const PLACE = { oneLine: true, inTable: true };

const alignOf = (cell: JSONContent | undefined): string => textAttribute(cell ?? {}, "align") ?? "";

function isPlainCell(cell: JSONContent): boolean {
  const { colspan, rowspan, colwidth } = cellAttributes(cell);
  const [only, ...others] = childrenOf(cell);
  const isBare = colspan === null && rowspan === null && colwidth === null;
  return isBare && only?.type === "paragraph" && others.length === 0;
}

/** What is read as text, as the lexer counts: every | of the first line ends a cell, and the rule is a line too. */
function isTooLarge(header: readonly JSONContent[], rows: number): boolean {
  const pipes = header.length + JSON.stringify(header).split("|").length;
  return (pipes + 1) * (rows + 2) > MAX_TABLE_CELLS;
}

/**
 * True for a table of which GitHub's form says all: the first row and nothing else is its header, there is one
 * paragraph in each cell and one alignment in each column, and no cell is merged or has a width.
 */
export function isPlainTable(table: JSONContent): boolean {
  const rows = childrenOf(table).map(childrenOf);
  const [header = []] = rows;
  if (header.length === 0 || isTooLarge(header, rows.length)) return false;
  return rows.every(
    (cells, row) =>
      cells.length === header.length &&
      cells.every(
        (cell, column) =>
          cell.type === (row === 0 ? "tableHeader" : "tableCell") &&
          isPlainCell(cell) &&
          alignOf(cell) === alignOf(header[column]),
      ),
  );
}

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** A plain table in GitHub's form. */
export function renderTable(table: JSONContent): string {
  const [header = [], ...body] = childrenOf(table).map(childrenOf);
  const text = (cell: JSONContent): string =>
    childrenOf(cell)
      .map((paragraph) => renderInline(childrenOf(paragraph), PLACE))
      .join("");
  const rule = header.map((cell) => RULES.get(alignOf(cell)) ?? "---");
  const rows = body.map((cells) => line(cells.map(text)));
  return [line(header.map(text)), line(rule), ...rows].join("\n");
}
