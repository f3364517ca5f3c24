import { setTimeout as sleep } from "node:timers/promises";
import type { Context, Measurement, Scenario } from "./scenario.ts";

const DOCUMENTS = 10;
const CLIENTS_PER_DOCUMENT = 4;
const UPDATES_PER_SECOND_EACH = 20;

/** The first kill comes here, each later round's 0.37 s after it, so that kills meet every phase of a commit and of a debounced store. */
const FIRST_KILL_MS = 900;
const LATER_MS = 370;

async function measure({ subject, load, round }: Context): Promise<Measurement> {
  const { token, names } = await subject.prepare(DOCUMENTS);
  const begun = Promise.withResolvers<void>();
  const typing = load.run(
    "typeUntilKilled",
    {
      url: subject.url(),
      token,
      names,
      clientsPerDocument: CLIENTS_PER_DOCUMENT,
      updatesPerSecondEach: UPDATES_PER_SECOND_EACH,
      atMostSeconds: 15,
    },
    () => begun.resolve(),
  );
  await Promise.race([begun.promise, typing]);
  await sleep(FIRST_KILL_MS + LATER_MS * round);
  await subject.kill();
  const acknowledged = await typing;
  await subject.start();
  return load.run("readBack", { url: subject.url(), token, acknowledged });
}

export const kill: Scenario = {
  name: "kill",
  figures: [
    {
      key: "lost",
      label: "acknowledged edits lost by kill -9",
      unit: "count",
      target: { kind: "at-most", value: 0 },
    },
    { key: "acknowledged", label: "  of so many", unit: "count", target: { kind: "none" } },
  ],
  rounds: { quick: 1, full: 5 },
  warmUp: async () => {},
  measure,
};
