import { parentPort, workerData } from "node:worker_threads";
import { assertNever } from "../schema/errors.ts";
import { applyHunks, judgePending } from "./apply-hunks.ts";
import { compactDocument } from "./compaction.ts";
import { cutSuggestion } from "./cut-suggestion.ts";
import { createDatabase, type DatabaseLocation } from "./database.ts";
import { editContent } from "./edit-content.ts";
import { captureVersion } from "./named-versions.ts";
import { findAnchor } from "./find-anchor.ts";
import { projectDocument } from "./projection.ts";
import { renderSections } from "./render-sections.ts";
import { renderStored } from "./render-stored.ts";
import type { UpkeepReply, UpkeepRequest, UpkeepResult, UpkeepTask } from "./upkeep-tasks.ts";

/**
 * The thread in which documents are merged, proven and projected, with a connection of its own: no byte of that
 * passes through the event loop that serves people [C1, P2].
 */
const { location } = workerData as { location: DatabaseLocation };
const database = createDatabase({ location, applicationName: "scriptorium-upkeep" });
const sql = database.connect({ maxConnections: 1 });

function perform(task: UpkeepTask): Promise<UpkeepResult> {
  switch (task.kind) {
    case "compact":
      return compactDocument(sql, task, { versions: { minIntervalMs: task.versionIntervalMs } });
    case "project":
      return projectDocument(sql, task.documentId);
    case "edit":
      return editContent(sql, task);
    case "render":
      return renderStored(sql, task);
    case "sections":
      return renderSections(sql, task.documentId);
    case "capture":
      return captureVersion(sql, task.documentId);
    case "anchor":
      return findAnchor(sql, task);
    case "suggest":
      return cutSuggestion(sql, task);
    case "hunks":
      return applyHunks(sql, task);
    case "standings":
      return judgePending(sql, task.documentId);
    default:
      return assertNever(task);
  }
}

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
