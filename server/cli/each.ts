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
 * After Ctrl-C the one that was begun is finished and the rest is left.
 */
export async function each<One>(
  { json, progress, signal }: Context,
  list: readonly One[],
  unit: string,
  work: (one: One) => Promise<void>,
): Promise<Worked<One>> {
  const bar = json ? null : openBar(unit, progress);
  bar?.start(list.length, 0);
  try {
    for (const [done, one] of list.entries()) {
      if (signal.aborted) return { done, total: list.length, next: one };
      await work(one);
      bar?.update(done + 1);
    }
    return { done: list.length, total: list.length, next: null };
  } finally {
    bar?.stop();
  }
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
