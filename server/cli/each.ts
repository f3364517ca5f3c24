import { setTimeout as delay } from "node:timers/promises";
import { Presets, SingleBar } from "cli-progress";
import type { Command } from "commander";
import type { Context } from "./run.ts";

/** A list that was worked through, or was left at `next` because somebody pressed Ctrl-C. */
export type Worked<One> = {
  readonly done: number;
  readonly total: number;
  readonly next: One | null;
};

/** Adds `--progress` to a command that works through a list. */
export const withProgress = (command: Command): Command =>
  command.option("--progress", "show the progress bar also where standard error is no terminal");

/**
 * Does one after the other, with a progress bar on standard error.
 * After Ctrl-C the one that was begun is finished and the rest is left. `restFactor`: after each it rests that many
 * times as long as the work took, for the sake of whoever shares the machine and the database.
 */
export async function each<One>(
  { json, progress, signal }: Pick<Context, "json" | "progress" | "signal">,
  list: readonly One[],
  unit: string,
  work: (one: One) => Promise<void>,
  restFactor = 0,
): Promise<Worked<One>> {
  const bar = json ? null : openBar(unit, progress);
  bar?.start(list.length, 0);
  try {
    for (const [done, one] of list.entries()) {
      if (signal.aborted) return { done, total: list.length, next: one };
      const startedMs = performance.now();
      await work(one);
      bar?.update(done + 1);
      await rest((performance.now() - startedMs) * restFactor, signal);
    }
    return { done: list.length, total: list.length, next: null };
  } finally {
    bar?.stop();
  }
}

/** Ended by Ctrl-C. */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal }).catch(() => {});
}

const openBar = (unit: string, always: boolean): SingleBar =>
  new SingleBar(
    {
      format: `{bar} {percentage}% | {value} of {total} ${unit} | {eta_formatted} left`,
      stream: process.stderr,
      hideCursor: true,
      // Interrupts are the command's to handle: it says where it stopped.
      gracefulExit: false,
      noTTYOutput: always,
      notTTYSchedule: 500,
    },
    Presets.shades_classic,
  );

/** The sentence about an interruption, or nothing. */
export const stoppedText = <One>(worked: Worked<One>, name: (one: One) => string): string[] =>
  worked.next === null
    ? []
    : [
        "",
        `Interrupted after ${worked.done} of ${worked.total}, before ${name(worked.next)}. Run it again to go on.`,
      ];
