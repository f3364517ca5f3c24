import type { FanOutJob } from "./load-fan-out.ts";
import { type CpuSeconds, cpuSeconds } from "./process-figures.ts";
import type { Context, Measurement, Scenario } from "./scenario.ts";

/** The documents that are typed in. */
export const FAN_OUT_DOCUMENTS = 40;

/** The load of this row, for others that put something beside it. */
export const fanOutJob = (
  url: string,
  typing: Pick<FanOutJob, "token" | "names" | "seconds">,
): FanOutJob => ({ url, ...typing, clientsPerDocument: 10, updatesPerSecond: 1_000 });

/** The work and its figures; another row takes some of them. */
export async function runFanOut({ subject, load }: Context, seconds: number): Promise<Measurement> {
  const { token, names } = await subject.prepare(FAN_OUT_DOCUMENTS);
  const marks: CpuSeconds[] = [];
  const { delivered, acknowledged } = await load.run(
    "fanOut",
    fanOutJob(subject.url(), { token, names, seconds }),
    () => void marks.push(cpuSeconds(subject.pid())),
  );
  const [begin, end] = marks;
  if (begin === undefined || end === undefined) throw new Error("The load gave no phases");
  return {
    deliveredP50: delivered.p50,
    deliveredP99: delivered.p99,
    acknowledgedP50: acknowledged.p50,
    acknowledgedP99: acknowledged.p99,
    cpu: end.total - begin.total,
    mainThread: end.mainThread - begin.mainThread,
  };
}

export const fanOut: Scenario = {
  name: "fan-out",
  figures: [
    {
      key: "deliveredP50",
      label: "fan-out p50, 40 documents × 10 clients, 1,000 updates/s",
      unit: "ms",
      target: { kind: "ratio-at-most", value: 1.05 },
    },
    {
      key: "deliveredP99",
      label: "fan-out p99",
      unit: "ms",
      target: { kind: "ratio-at-most", value: 1.1 },
    },
    {
      key: "acknowledgedP50",
      label: "acknowledgement p50, same run",
      unit: "ms",
      target: { kind: "at-most", value: 5 },
    },
    {
      key: "acknowledgedP99",
      label: "acknowledgement p99",
      unit: "ms",
      target: { kind: "at-most", value: 20 },
    },
    {
      key: "cpu",
      label: "server CPU, same run, all threads and processes",
      unit: "s",
      target: { kind: "ratio-at-most", value: 1.15 },
    },
    {
      key: "mainThread",
      label: "  of it on the main thread",
      unit: "s",
      target: { kind: "none" },
    },
  ],
  rounds: { quick: 3, full: 5 },
  warmUp: async (context) => void (await runFanOut(context, 2)),
  measure: (context) => runFanOut(context, context.scale === "quick" ? 4 : 10),
};
