import type { LoadReply, OnPhase } from "./load-job.ts";
import type { LoadKind, Loads } from "./load-process.ts";
import type { Processes } from "./processes.ts";

/** The load generator, in a process of its own: it must not share an event loop with what measures it. */
export type Load = {
  run<Kind extends LoadKind>(
    kind: Kind,
    job: Parameters<Loads[Kind]>[0],
    onPhase?: OnPhase,
  ): Promise<Awaited<ReturnType<Loads[Kind]>>>;
  close(): Promise<void>;
};

/** 3 min: longer than the longest job of a full run; a job that hangs fails instead. */
const JOB_TIMEOUT_MS = 180_000;

export function startLoad(processes: Processes, env: NodeJS.ProcessEnv): Load {
  const child = processes.start(new URL("load-process.ts", import.meta.url), { env });
  return {
    async run<Kind extends LoadKind>(
      kind: Kind,
      job: Parameters<Loads[Kind]>[0],
      onPhase?: OnPhase,
    ): Promise<Awaited<ReturnType<Loads[Kind]>>> {
      const outcome = Promise.withResolvers<unknown>();
      const listen = (reply: LoadReply): void => {
        if (reply.type === "phase") onPhase?.(reply.phase);
        else if (reply.type === "result") outcome.resolve(reply.result);
        else outcome.reject(new Error(`${kind}: ${reply.message}`));
      };
      const timer = setTimeout(
        () => outcome.reject(new Error(`${kind} did not end in 3 minutes`)),
        JOB_TIMEOUT_MS,
      );
      const die = (): void => outcome.reject(new Error(`The load ended: ${child.output()}`));
      child.process.once("exit", die);
      child.process.on("message", listen);
      try {
        child.process.send({ kind, job });
        // The reply belongs to the one job that runs; load.ts returns what the job's type says.
        return (await outcome.promise) as Awaited<ReturnType<Loads[Kind]>>;
      } finally {
        clearTimeout(timer);
        child.process.off("message", listen).off("exit", die);
      }
    },
    close: () => child.stop(),
  };
}
