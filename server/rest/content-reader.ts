import { readContentState, type ContentState } from "../../persistence/content-state.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";
import { ScriptoriumError } from "../../schema/errors.ts";

/** Reads the committed content of a document, brought up to date first where its columns are behind. */
export type ContentReader = (
  sql: SqlOrTransaction,
  documentId: string,
  maxBytes: number,
) => Promise<ContentState>;

/** People type on meanwhile; each projection takes in all that was committed when it began, so two are enough. */
const MAX_ROUNDS = 5;

/** Concurrent reads of one document share a projection. */
export function createContentReader(thread: Pick<UpkeepThread, "project">): ContentReader {
  const running = new Map<string, Promise<unknown>>();
  const project = (documentId: string): Promise<unknown> => {
    const shared = running.get(documentId);
    if (shared !== undefined) return shared;
    const own = thread.project(documentId).finally(() => running.delete(documentId));
    running.set(documentId, own);
    return own;
  };
  return async (sql, documentId, maxBytes) => {
    let state = await readContentState(sql, documentId, maxBytes);
    // What was committed before the request has to be in the answer; what came later may be.
    const wanted = state.headSeq;
    for (let round = 0; state.projectedSeq < wanted; round += 1) {
      if (round === MAX_ROUNDS) {
        throw new ScriptoriumError("internal", "The columns of a document do not follow its log");
      }
      await project(documentId);
      state = await readContentState(sql, documentId, maxBytes);
    }
    return state;
  };
}
