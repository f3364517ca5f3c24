import type { Context, Figure, Measurement, Scale, Scenario } from "./scenario.ts";
import { median } from "./statistics.ts";
import { untilQuiet } from "./process-figures.ts";

/** The longest recorded history first; the second is a source file with many cursors. */
const TRACES: Record<Scale, readonly string[]> = {
  quick: ["seph-blog1"],
  full: ["seph-blog1", "sveltecomponent"],
};

/** Restarts for one figure: the first moments of a process differ more than two servers do. */
const COLD_OPENS: Record<Scale, number> = { quick: 3, full: 5 };

async function measureTrace(context: Context, trace: string): Promise<Measurement> {
  const { subject, load, scale } = context;
  const { token, names } = await subject.prepare(1);
  const [name] = names;
  if (name === undefined) throw new Error("No document was prepared");
  const { seconds } = await load.run("replay", { url: subject.url(), token, name, trace });
  const opens: number[] = [];
  for (let open = 0; open < COLD_OPENS[scale]; open += 1) {
    await subject.stop();
    await subject.start();
    await untilQuiet([subject.pid()]);
    const job = { url: subject.url(), token, name, trace };
    opens.push((await load.run("coldOpen", job)).milliseconds);
  }
  await subject.compact(name);
  const bytes = await subject.storedBytes(name);
  return {
    [`${trace}.seconds`]: seconds,
    [`${trace}.coldOpen`]: median(opens),
    [`${trace}.bytes`]: bytes.content,
    [`${trace}.onDisk`]: bytes.onDisk,
    [`${trace}.history`]: bytes.history,
  };
}

const figuresOf = (trace: string): Figure[] => [
  {
    key: `${trace}.seconds`,
    label: `replay of ${trace}, last acknowledgement`,
    unit: "s",
    target: { kind: "ratio-at-most", value: 1 },
  },
  {
    key: `${trace}.coldOpen`,
    label: `cold open of ${trace} after a restart`,
    unit: "ms",
    target: { kind: "ratio-at-most", value: 1 },
  },
  {
    key: `${trace}.bytes`,
    label: `bytes stored for ${trace}, compacted`,
    unit: "bytes",
    target: { kind: "ratio-at-most", value: 0.25 },
  },
  {
    key: `${trace}.onDisk`,
    label: "  the same after PostgreSQL's compression",
    unit: "bytes",
    target: { kind: "none" },
  },
  {
    key: `${trace}.history`,
    label: "  history kept besides, for recovery",
    unit: "bytes",
    target: { kind: "none" },
  },
];

export const createReplay = (scale: Scale): Scenario => ({
  name: "replay",
  figures: TRACES[scale].flatMap(figuresOf),
  rounds: { quick: 2, full: 3 },
  warmUp: async ({ subject, load }) => {
    const { token, names } = await subject.prepare(1);
    for (const name of names) {
      await load.run("replay", { url: subject.url(), token, name, trace: "sveltecomponent" });
    }
  },
  measure: async (context) => {
    const measurement: Measurement = {};
    for (const trace of TRACES[context.scale]) {
      Object.assign(measurement, await measureTrace(context, trace));
    }
    return measurement;
  },
});
