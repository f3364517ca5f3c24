import { LRUCache } from "lru-cache";
import type { RenderedSection, RenderedSections } from "../../persistence/render-sections.ts";
import type { RenderedContent, StoredContent } from "../../persistence/render-stored.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";
import { ScriptoriumError } from "../../schema/errors.ts";

/** Characters of content that are kept as they were last answered, together; and of sections again. */
const MAX_KEPT_LENGTH = 16 * 1024 * 1024;

/** People type on meanwhile; a rendering takes in all that was committed when it began, so two are enough. */
const MAX_ROUNDS = 5;

/**
 * What is stored, as text.
 * `seq`: what was committed up to there has to be in it; what came later may be. Of a version: its own.
 */
type Rendered<S, R> = (stored: S, seq: number) => Promise<R>;

/**
 * Stored content and its sections as text, written once for a position of the log, however often they are read, and
 * never on the thread that serves the sockets: 20 kB of Markdown are milliseconds.
 */
export type Renderings = {
  readonly content: Rendered<StoredContent, RenderedContent>;
  readonly sections: Rendered<string, RenderedSections>;
};

/** @param thread for readers alone: nobody who reads waits for somebody who writes. */
export const createRenderings = (
  thread: Pick<UpkeepThread, "render" | "sections">,
): Renderings => ({
  content: writtenOnce({
    keyOf: ({ documentId, version, format }) => `${documentId} ${version ?? ""} ${format}`,
    write: (stored) => thread.render(stored),
    lengthOf: ({ text, diagram }) => text.length + (diagram?.length ?? 0) + 1,
  }),
  sections: writtenOnce({
    keyOf: (documentId) => documentId,
    write: (documentId) => thread.sections(documentId),
    lengthOf: ({ sections }) => sections.reduce((sum, each) => sum + lengthOf(each), 1),
  }),
});

const lengthOf = ({ json, markdown, title }: RenderedSection): number =>
  json.length + markdown.length + title.length + 1;

function writtenOnce<S, R extends { readonly seq: number }>({
  keyOf,
  write,
  lengthOf: sizeCalculation,
}: {
  readonly keyOf: (stored: S) => string;
  readonly write: (stored: S) => Promise<R>;
  readonly lengthOf: (rendered: R) => number;
}): Rendered<S, R> {
  const kept = new LRUCache<string, R>({ maxSize: MAX_KEPT_LENGTH, sizeCalculation });
  const running = new Map<string, Promise<R>>();
  const render = (key: string, stored: S): Promise<R> => {
    const shared = running.get(key);
    if (shared !== undefined) return shared;
    const own = write(stored).finally(() => running.delete(key));
    running.set(key, own);
    return own;
  };
  return async (stored, seq) => {
    const key = keyOf(stored);
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
