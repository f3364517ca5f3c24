import { LRUCache } from "lru-cache";
import type { RenderedContent, StoredContent } from "../../persistence/render-stored.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";
import { ScriptoriumError } from "../../schema/errors.ts";

/** Characters of content that are kept as they were last answered, together. */
const MAX_KEPT_LENGTH = 16 * 1024 * 1024;

/** People type on meanwhile; a rendering takes in all that was committed when it began, so two are enough. */
const MAX_ROUNDS = 5;

/**
 * Stored content as text, written once for a position of the log, however often it is read, and never on the thread
 * that serves the sockets: 20 kB of Markdown are milliseconds.
 * `seq`: what was committed up to there has to be in it; what came later may be. Of a version: its own.
 */
export type Renderings = (stored: StoredContent, seq: number) => Promise<RenderedContent>;

/** @param thread for readers alone: nobody who reads waits for somebody who writes. */
export function createRenderings(thread: Pick<UpkeepThread, "render">): Renderings {
  const kept = new LRUCache<string, RenderedContent>({
    maxSize: MAX_KEPT_LENGTH,
    sizeCalculation: ({ text, diagram }) => text.length + (diagram?.length ?? 0) + 1,
  });
  const running = new Map<string, Promise<RenderedContent>>();
  const render = (key: string, stored: StoredContent): Promise<RenderedContent> => {
    const shared = running.get(key);
    if (shared !== undefined) return shared;
    const own = thread.render(stored).finally(() => running.delete(key));
    running.set(key, own);
    return own;
  };
  return async (stored, seq) => {
    const key = `${stored.documentId} ${stored.version ?? ""} ${stored.format}`;
    const known = kept.get(key);
    if (known !== undefined && known.seq >= seq) return known;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const rendered = await render(key, stored);
      if (rendered.seq < seq) continue;
      // At 0 there is no log that would say that it has changed.
      if (rendered.seq > 0) kept.set(key, rendered);
      return rendered;
    }
    throw new ScriptoriumError("internal", "The content of a document does not follow its log");
  };
}
