import type { Load } from "./load.ts";
import { untilQuiet } from "./process-figures.ts";
import type { Measurement, Scale, Scenario } from "./scenario.ts";
import type { Subject } from "./subject.ts";
import type { Round } from "./table.ts";

export type Rivals = { plain: Subject; ours: Subject };

/**
 * Does one scenario's work at both servers in turn: plain, ours, plain, ours, …
 * After `deadline` (ms, as performance.now()) a row gets its first round and no more.
 * Both are started for it and stopped after it. Before each turn both are idle, so neither pays for the other.
 */
export async function runScenario(
  scenario: Scenario,
  options: {
    rivals: Rivals;
    load: Load;
    scale: Scale;
    rounds: number;
    deadline: number;
    signal: AbortSignal;
  },
): Promise<Round[]> {
  const { rivals, load, scale } = options;
  const { plain, ours } = rivals;
  const take = async (subject: Subject, round: number): Promise<Measurement> => {
    options.signal.throwIfAborted();
    await untilQuiet([plain.pid(), ours.pid()]);
    return scenario.measure({ subject, load, scale, round });
  };
  try {
    for (const subject of [plain, ours]) {
      await subject.start();
      await scenario.warmUp({ subject, load, scale, round: 0 });
    }
    const rounds: Round[] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      if (round > 0 && performance.now() > options.deadline) break;
      rounds.push({ plain: await take(plain, round), ours: await take(ours, round) });
    }
    return rounds;
  } finally {
    await Promise.all([plain.stop(), ours.stop()]);
  }
}
