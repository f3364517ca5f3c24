/** Bytes for a person: three digits and a unit of a thousand. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(
    units.length - 1,
    Math.floor(Math.log10(Math.max(1, Math.abs(bytes))) / 3),
  );
  const scaled = bytes / 1000 ** power;
  const digits = power === 0 || Math.abs(scaled) >= 100 ? 0 : 1;
  return `${scaled.toFixed(digits)} ${units[power] ?? ""}`;
}

/** A time for a person, to the minute, UTC; a dash for none. */
export const formatTime = (time: Date | null): string =>
  time === null ? "-" : `${time.toISOString().slice(0, 16).replace("T", " ")}Z`;

/** A count and its noun: "1 document", "2 documents". */
export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`;

/** What a terminal would obey rather than show: titles and names are written by strangers. */
const CONTROL = /[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu;

/** Text that is safe to show in a terminal. */
export const plain = (text: string): string => text.replaceAll(CONTROL, "\uFFFD");

type Cell = string | number | null;

/** Rows under their headings, aligned; numbers to the right. Says `none` for no rows. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  none: string,
): string {
  if (rows.length === 0) return none;
  const lines = [headings, ...rows.map((row) => row.map(cellText))];
  const widths = headings.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? "").length)),
  );
  const right = headings.map((_, column) =>
    rows.every((row) => typeof row[column] === "number" || row[column] === null),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return right[column] === true ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Names and values under each other, the values aligned. */
export function formatFields(fields: readonly (readonly [string, Cell])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields.map(([name, value]) => `${name.padEnd(width)}  ${cellText(value)}`).join("\n");
}

const cellText = (cell: Cell): string => (cell === null ? "-" : plain(String(cell)));
