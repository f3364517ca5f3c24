import type { Context, Scenario } from "./scenario.ts";

const CONNECTIONS = 8;

/** More than one commit's worth, so that a group commit always finds the next batch waiting. */
const WINDOW = 64;

async function run({ subject, load }: Context, seconds: number): Promise<{ perSecond: number }> {
  const { token, names } = await subject.prepare(CONNECTIONS);
  const address = { url: subject.url(), token };
  return load.run("saturate", { ...address, names, window: WINDOW, seconds });
}

export const saturated: Scenario = {
  name: "saturated",
  figures: [
    {
      key: "perSecond",
      label: "acknowledged updates/s, 8 connections",
      unit: "per-second",
      target: { kind: "ratio-at-least", value: 1 },
    },
  ],
  rounds: { quick: 2, full: 7 },
  warmUp: async (context) => void (await run(context, 1.5)),
  measure: (context) => run(context, context.scale === "quick" ? 2 : 5),
};
