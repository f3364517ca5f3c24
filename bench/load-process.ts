/** The load generator's process: takes one job at a time from the bench and answers with its figures. */
import { seedProse, reconnectHerd } from "./load-herd.ts";
import { fanOut } from "./load-fan-out.ts";
import { readBack, typeUntilKilled } from "./load-kill.ts";
import { coldOpen, replay } from "./load-replay.ts";
import { readEvenly, readOnce } from "./load-rest.ts";
import type { LoadReply, OnPhase } from "./load-job.ts";
import { saturate } from "./load-saturated.ts";

const LOADS = {
  saturate,
  fanOut,
  typeUntilKilled,
  readBack,
  replay,
  coldOpen,
  seedProse,
  reconnectHerd,
  readOnce,
  readEvenly,
};

export type Loads = typeof LOADS;
export type LoadKind = keyof Loads;

type LoadRequest = { kind: LoadKind; job: unknown };

const reply = (message: LoadReply): void => void process.send?.(message);

async function run({ kind, job }: LoadRequest): Promise<void> {
  // The sender's types tie kind and job together (load-process.ts); over the channel they arrive apart.
  const load = LOADS[kind] as (job: unknown, onPhase: OnPhase) => Promise<unknown>;
  try {
    reply({ type: "result", result: await load(job, (phase) => reply({ type: "phase", phase })) });
  } catch (error) {
    reply({ type: "error", message: error instanceof Error ? error.message : String(error) });
  }
}

// `run` catches everything and answers with it.
process.on("message", (request: LoadRequest) => {
  run(request).catch((error: unknown) => process.stderr.write(String(error)));
});
// The bench ended without saying so: nobody is left to load for.
process.on("disconnect", () => process.exit(0));
