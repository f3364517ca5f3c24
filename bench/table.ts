import { assertNever } from "../schema/errors.ts";
import type { Figure, Measurement, Scenario, Target, Unit } from "./scenario.ts";
import { median } from "./statistics.ts";

/** The two servers' figures of one round. */
export type Round = { plain: Measurement; ours: Measurement };

/** One line of the table: medians over the rounds, and how far the rounds lie apart. */
export type Line = {
  row: string;
  figure: string;
  label: string;
  unit: Unit;
  plain: number;
  ours: number;
  /** ours / plain of each round, in order. */
  ratios: number[];
  ratio: number;
  target: string;
  /** Null: there is nothing to reach, or nothing was measured. */
  reached: boolean | null;
};

export function toLines(scenario: Scenario, rounds: readonly Round[]): Line[] {
  return scenario.figures.map((figure) => {
    const pairs = rounds.map(({ plain, ours }) => ({
      plain: plain[figure.key] ?? Number.NaN,
      ours: ours[figure.key] ?? Number.NaN,
    }));
    const ratios = pairs.map(({ plain, ours }) => (plain === 0 ? Number.NaN : ours / plain));
    const ratio = median(ratios);
    const ours = median(pairs.map((pair) => pair.ours));
    return {
      row: scenario.name,
      figure: figure.key,
      label: figure.label,
      unit: figure.unit,
      plain: median(pairs.map((pair) => pair.plain)),
      ours,
      ratios,
      ratio,
      target: describe(figure),
      // One lost edit in one round is a loss: a target of zero is held against every round.
      reached: isReached(figure.target, ratio, worst(figure, ours, pairs)),
    };
  });
}

const worst = (figure: Figure, middle: number, pairs: readonly { ours: number }[]): number =>
  figure.unit === "count" ? Math.max(...pairs.map(({ ours }) => ours)) : middle;

function isReached(target: Target, ratio: number, ours: number): boolean | null {
  switch (target.kind) {
    case "none":
      return null;
    case "at-most":
      return ours <= target.value;
    case "ratio-at-least":
      return Number.isNaN(ratio) ? null : ratio >= target.value;
    case "ratio-at-most":
      return Number.isNaN(ratio) ? null : ratio <= target.value;
    case "near":
      return Number.isNaN(ratio) ? null : ratio <= target.value && ratio >= 1 / target.value;
    default:
      return assertNever(target);
  }
}

function describe({ target, unit }: Figure): string {
  switch (target.kind) {
    case "none":
      return "";
    case "at-most":
      return target.value === 0 ? "0" : `≤ ${formatValue(target.value, unit)}`;
    case "ratio-at-least":
      return `≥ ${target.value.toFixed(2)} ×`;
    case "ratio-at-most":
      return `≤ ${target.value.toFixed(2)} ×`;
    case "near":
      return `${(1 / target.value).toFixed(2)}–${target.value.toFixed(2)} ×`;
    default:
      return assertNever(target);
  }
}

function formatValue(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return "–";
  switch (unit) {
    case "per-second":
    case "count":
      return Math.round(value).toLocaleString("en");
    case "ms":
      return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
    case "s":
      return `${value.toFixed(2)} s`;
    case "bytes":
      return value < 10_000_000
        ? `${(value / 1e3).toFixed(1)} kB`
        : `${(value / 1e6).toFixed(0)} MB`;
    default:
      return assertNever(unit);
  }
}

const WIDTHS = [66, 11, 11, 20, 13] as const;

const align = (cells: readonly string[]): string =>
  cells
    .map((cell, index) =>
      index === 0 ? cell.padEnd(WIDTHS[0]) : cell.padStart(WIDTHS[index] ?? 0),
    )
    .join(" ");

export const heading = (plain: string, ours: string): string =>
  `${align(["", plain, ours, "ratio (min–max)", "target"])}\n`;

export function formatLine(line: Line): string {
  const known = line.ratios.filter((ratio) => !Number.isNaN(ratio));
  const spread =
    known.length > 1 ? ` (${Math.min(...known).toFixed(2)}–${Math.max(...known).toFixed(2)})` : "";
  const ratio = Number.isNaN(line.ratio) ? "–" : `${line.ratio.toFixed(2)}${spread}`;
  const mark = line.reached === true ? "✓" : "✗";
  const values = [formatValue(line.plain, line.unit), formatValue(line.ours, line.unit)];
  return `${align([line.label, ...values, ratio, line.target])} ${line.reached === null ? "" : mark}\n`;
}
