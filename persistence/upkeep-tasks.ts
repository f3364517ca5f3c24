import { Worker } from "node:worker_threads";
import type { Logger } from "pino";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Part } from "../schema/ids.ts";
import type { CompactionResult } from "./compaction.ts";
import type { DatabaseLocation } from "./database.ts";
import type { ProjectionResult } from "./projection.ts";

export type UpkeepTask =
  | { kind: "compact"; documentId: string; part: Part; versionIntervalMs: number }
  | { kind: "project"; documentId: string };

export type UpkeepRequest = { id: number; task: UpkeepTask };
export type UpkeepReply = {
  id: number;
  result?: CompactionResult | ProjectionResult;
  error?: { code: string; message: string };
};

type Waiting = {
  task: UpkeepTask;
  resolve: (result: CompactionResult | ProjectionResult) => void;
  reject: (error: unknown) => void;
};

export type UpkeepThread = {
  compact(task: Omit<Extract<UpkeepTask, { kind: "compact" }>, "kind">): Promise<CompactionResult>;
  project(documentId: string): Promise<ProjectionResult>;
  close(): Promise<void>;
};

/**
 * Runs upkeep one task at a time in a worker thread, which is started with the first task.
 * A thread that dies fails the task it had and is started anew for the next: every task can be repeated [C4, P1].
 */
export function createUpkeepThread(options: {
  location: DatabaseLocation;
  logger: Logger;
}): UpkeepThread {
  const queue: Waiting[] = [];
  let worker: Worker | null = null;
  let current: { id: number; waiting: Waiting } | null = null;
  let lastId = 0;
  let closed = false;

  const start = (): Worker => {
    const started = new Worker(new URL("./upkeep-worker.ts", import.meta.url), {
      workerData: { location: options.location },
    });
    started.on("message", (reply: UpkeepReply) => finish(reply));
    started.on("error", (error) => options.logger.error({ err: error }, "upkeep thread failed"));
    started.on("exit", () => {
      if (worker === started) worker = null;
      if (current !== null) {
        finish({
          id: current.id,
          error: { code: "internal", message: "The upkeep thread ended" },
        });
      }
    });
    started.unref();
    return started;
  };

  const next = (): void => {
    if (current !== null || closed) return;
    const waiting = queue.shift();
    if (waiting === undefined) return;
    lastId += 1;
    current = { id: lastId, waiting };
    worker ??= start();
    worker.postMessage({ id: lastId, task: waiting.task } satisfies UpkeepRequest);
  };

  const finish = ({ id, result, error }: UpkeepReply): void => {
    if (current?.id !== id) return;
    const { waiting } = current;
    current = null;
    if (result !== undefined) waiting.resolve(result);
    else waiting.reject(Object.assign(new Error(error?.message ?? "no result"), { code: error?.code }));
    next();
  };

  const run = (task: UpkeepTask): Promise<CompactionResult | ProjectionResult> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(new ScriptoriumError("restarting", "Upkeep has stopped"));
      queue.push({ task, resolve, reject });
      next();
    });

  return {
    compact: async (task) => (await run({ kind: "compact", ...task })) as CompactionResult,
    project: async (documentId) => (await run({ kind: "project", documentId })) as ProjectionResult,
    close: async () => {
      closed = true;
      for (const { reject } of queue.splice(0)) {
        reject(new ScriptoriumError("restarting", "Upkeep has stopped"));
      }
      // A transaction that is cut here is rolled back by PostgreSQL: the old state stays.
      await worker?.terminate();
    },
  };
}
