import { openOurStorage } from "./our-storage.ts";
import type { CompactionTools } from "./row-compaction.ts";
import { runFanOut } from "./row-fan-out.ts";
import type { Scenario } from "./scenario.ts";
import { createSubject, type Subject } from "./subject.ts";

/** This server beside itself: with a check of updates that finds nothing wrong, and with the real one. */
export const createGate = ({ sql, env, processes }: CompactionTools, ours: Subject): Scenario => ({
  name: "gate",
  columns: { plain: "unchecked", ours: "checked" },
  rivals: {
    plain: createSubject({
      label: "unchecked",
      script: new URL("unchecked-process.ts", import.meta.url),
      readyPath: "/readyz",
      socketPath: "/collaboration",
      env,
      processes,
      storage: openOurStorage(sql, processes, env),
    }),
    ours,
  },
  figures: [
    {
      key: "cpu",
      label: "server CPU, 1,000 updates/s, without and with the update check",
      unit: "s",
      target: { kind: "ratio-at-most", value: 1.05 },
    },
    {
      key: "mainThread",
      label: "  of it on the main thread",
      unit: "s",
      target: { kind: "none" },
    },
    { key: "deliveredP50", label: "fan-out p50", unit: "ms", target: { kind: "none" } },
    { key: "deliveredP99", label: "fan-out p99", unit: "ms", target: { kind: "none" } },
  ],
  rounds: { quick: 2, full: 5 },
  warmUp: async (context) => void (await runFanOut(context, 2)),
  measure: (context) => runFanOut(context, context.scale === "quick" ? 4 : 10),
});
