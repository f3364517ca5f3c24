import type { Match } from "./matching.ts";

/**
 * The matching of `rows` with `columns` entries that weighs most without two matches that cross.
 * A weight of 0 is no match. Costs `rows` times `columns`.
 */
export function matchByWeight(
  rows: number,
  columns: number,
  weight: (row: number, column: number) => number,
): Match[] {
  const width = columns + 1;
  const best = new Float64Array((rows + 1) * width);
  const at = (row: number, column: number): number => best[row * width + column] as number;
  const weights = new Float64Array(rows * columns);
  for (let row = rows - 1; row >= 0; row -= 1) {
    for (let column = columns - 1; column >= 0; column -= 1) {
      const own = weight(row, column);
      weights[row * columns + column] = own;
      const matched = own > 0 ? own + at(row + 1, column + 1) : 0;
      best[row * width + column] = Math.max(matched, at(row + 1, column), at(row, column + 1));
    }
  }
  const matches: Match[] = [];
  for (let row = 0, column = 0; row < rows && column < columns;) {
    const own = weights[row * columns + column] as number;
    if (own > 0 && at(row, column) === own + at(row + 1, column + 1)) {
      matches.push([row, column]);
      row += 1;
      column += 1;
    } else if (at(row, column) === at(row + 1, column)) row += 1;
    else column += 1;
  }
  return matches;
}
