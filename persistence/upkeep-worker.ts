import { parentPort, workerData } from "node:worker_threads";
import { compactDocument, type CompactionResult } from "./compaction.ts";
import { createDatabase, type DatabaseLocation } from "./database.ts";
import { projectDocument, type ProjectionResult } from "./projection.ts";
import type { UpkeepReply, UpkeepRequest, UpkeepTask } from "./upkeep-tasks.ts";

/**
 * The thread in which documents are merged, proven and projected, with a connection of its own: no byte of that
 * passes through the event loop that serves people [C1, P2].
 */
const { location } = workerData as { location: DatabaseLocation };
const database = createDatabase({ location, applicationName: "scriptorium-upkeep" });
const sql = database.connect({ maxConnections: 1 });

const perform = (task: UpkeepTask): Promise<CompactionResult | ProjectionResult> =>
  task.kind === "compact"
    ? compactDocument(sql, task, { versions: { minIntervalMs: task.versionIntervalMs } })
    : projectDocument(sql, task.documentId);

parentPort?.on("message", ({ id, task }: UpkeepRequest) => {
  perform(task).then(
    (result) => parentPort?.postMessage({ id, result } satisfies UpkeepReply),
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      const code = error instanceof Error && "code" in error ? String(error.code) : "internal";
      parentPort?.postMessage({ id, error: { code, message } } satisfies UpkeepReply);
    },
  );
});
