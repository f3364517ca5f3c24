import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { ScriptoriumError } from "../../schema/errors.ts";
import type { Context } from "./run.ts";

/** Adds `--yes` to a command that asks. */
export const withYes = (command: Command): Command => command.option("--yes", "do not ask, do it");

/**
 * Asks before something is destroyed; `--yes` answers for scripts.
 * @throws ScriptoriumError `bad_request` where nobody can be asked, `conflict` when the answer is no.
 */
export async function confirm({ yes, json, signal }: Context, question: string): Promise<void> {
  if (yes) return;
  if (json || !process.stdin.isTTY || !process.stderr.isTTY) {
    throw new ScriptoriumError("bad_request", `${question} Nobody can be asked here: pass --yes`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const interrupted = new AbortController();
  terminal.on("SIGINT", () => interrupted.abort());
  try {
    const answer = await terminal
      .question(`${question} [y/N] `, { signal: AbortSignal.any([signal, interrupted.signal]) })
      .catch(() => "");
    if (!/^y(es)?$/iu.test(answer.trim())) {
      throw new ScriptoriumError("conflict", "Nothing was changed");
    }
  } finally {
    terminal.close();
  }
}
