/** A document without its fenced code: what is written there is no prose. */
const withoutFences = (text: string): string => text.replaceAll(/^```[^]*?^```/gmu, "");

/** What stands in single backticks, outside of fenced code. */
export const codeSpans = (text: string): string[] =>
  [...withoutFences(text).matchAll(/`([^`\n]+)`/gu)].map(([, span]) => span ?? "");

/** The targets of links that stay in the repository. */
export const internalLinks = (text: string): string[] =>
  [...withoutFences(text).matchAll(/\]\(([^)\s]+)\)/gu)]
    .map(([, target]) => target ?? "")
    .filter((target) => !/^[a-z]+:/u.test(target));

/** The anchors of a document's headings, as GitHub makes them. */
export const anchors = (text: string): string[] =>
  [...withoutFences(text).matchAll(/^#+\s+(.*)$/gmu)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/gu, "-"),
  );

/**
 * The rows of the table whose heading starts with these cells, each row as its cells, without backticks.
 * @throws Error when there is no such table, so that a check never passes on nothing.
 */
export function tableUnder(text: string, ...cells: readonly string[]): string[][] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => {
    const found = cellsOf(line);
    return cells.every((cell, index) => found[index] === cell);
  });
  if (start === -1) throw new Error(`No table with the columns ${cells.join(", ")}`);
  const rest = lines.slice(start + 2);
  const end = rest.findIndex((line) => !line.startsWith("|"));
  return rest.slice(0, end === -1 ? undefined : end).map(cellsOf);
}

const cellsOf = (line: string): string[] =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.replaceAll("`", "").trim());
