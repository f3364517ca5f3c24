import type { UpkeepThread } from "../persistence/upkeep-tasks.ts";
import { codeOf } from "../extensions/refusal.ts";
import type { Metrics } from "./metrics.ts";

type Thread = Pick<UpkeepThread, "compact" | "project" | "close">;

/** The thread, with its tasks measured: from asked for to done, the turn of others included. */
export function measureUpkeep(thread: Thread, metrics: Pick<Metrics, "upkeep">): Thread {
  const measured = async <T extends { outcome: string }>(
    task: "compaction" | "projection",
    work: Promise<T>,
  ): Promise<T> => {
    const askedMs = performance.now();
    const ended = (outcome: string): void =>
      metrics.upkeep(task, outcome, performance.now() - askedMs);
    try {
      const result = await work;
      ended(result.outcome);
      return result;
    } catch (error) {
      // What a stop interrupts has not failed: the next sweep finds it.
      if (codeOf(error) !== "restarting") ended("failed");
      throw error;
    }
  };
  return {
    compact: (task) => measured("compaction", thread.compact(task)),
    project: (documentId) => measured("projection", thread.project(documentId)),
    close: () => thread.close(),
  };
}
