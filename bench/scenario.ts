import type { Load } from "./load.ts";
import type { Subject } from "./subject.ts";

export type Scale = "quick" | "full";

/** What a figure must reach; `DESIGN.md` 12 is where the numbers are from. */
export type Target =
  | { kind: "ratio-at-least"; value: number }
  | { kind: "ratio-at-most"; value: number }
  /** Of our own figure, whatever the other server's is. */
  | { kind: "at-most"; value: number }
  /** The ratio lies between 1 / value and value: what two runs of one server must give. */
  | { kind: "near"; value: number }
  | { kind: "none" };

export type Unit = "per-second" | "ms" | "s" | "count" | "bytes";

/** One line of the table. */
export type Figure = { key: string; label: string; unit: Unit; target: Target };

/** One server's figures of one round, by the figure's key. */
export type Measurement = Record<string, number>;

/** The two columns of the table, and the two turns of a round. */
export type Turn = "plain" | "ours";

/** `round` counts from 0. */
export type Context = { subject: Subject; load: Load; scale: Scale; round: number; turn: Turn };

/** One kind of work, done at both servers in turn. */
export type Scenario = {
  name: string;
  /** Present: both turns are at our server, which is measured against itself. What the two columns are then. */
  columns?: Record<Turn, string>;
  /** Present: the two servers of this row, whatever those of the others are. */
  rivals?: Record<Turn, Subject>;
  figures: readonly Figure[];
  rounds: Record<Scale, number>;
  /** Once for each server, not measured: compiled code and filled caches. */
  warmUp(context: Context): Promise<void>;
  measure(context: Context): Promise<Measurement>;
};
