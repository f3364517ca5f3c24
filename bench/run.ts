import type { Load } from "./load.ts";
import { untilQuiet } from "./process-figures.ts";
import type { Measurement, Scale, Scenario, Turn } from "./scenario.ts";
import type { Subject } from "./subject.ts";
import type { Round } from "./table.ts";

export type Rivals = { plain: Subject; ours: Subject };

/**
 * Does one scenario's work at both servers in turn: plain, ours, plain, ours, … (or twice at ours, see `columns`; or others, see `rivals`).
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
  const { load, scale } = options;
  const { ours, plain: other } = scenario.rivals ?? options.rivals;
  const isOneServer = scenario.columns !== undefined && scenario.rivals === undefined;
  const plain = isOneServer ? ours : other;
  const subjects = new Map<Subject, Turn>([[plain, "plain"]]).set(ours, "ours");
  const take = async (turn: Turn, round: number): Promise<Measurement> => {
    options.signal.throwIfAborted();
    await untilQuiet([...subjects.keys()].map((subject) => subject.pid()));
    const subject = turn === "plain" ? plain : ours;
    return scenario.measure({ subject, load, scale, round, turn });
  };
  try {
    for (const [subject, turn] of subjects) {
      await subject.start();
      await scenario.warmUp({ subject, load, scale, round: 0, turn });
    }
    const rounds: Round[] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      if (round > 0 && performance.now() > options.deadline) break;
      rounds.push({ plain: await take("plain", round), ours: await take("ours", round) });
    }
    return rounds;
  } finally {
    await Promise.all([...subjects.keys()].map((subject) => subject.stop()));
  }
}
