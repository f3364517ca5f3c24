import type { JSONContent } from "@tiptap/core";
import {
  renderContent,
  type RenderedContent,
  type StoredContent,
} from "../../persistence/render-stored.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";

/** Rendered on the spot up to this many characters of JSON: some milliseconds. Larger content goes to the thread. */
export const SMALL_LENGTH = 64 * 1024;

/** Stored content as text. `known`: what was read of it already; its content is null where it is large. */
export async function renderKnown(
  thread: Pick<UpkeepThread, "render">,
  stored: StoredContent,
  known: Pick<RenderedContent, "seq" | "diagram"> & { readonly content: string | null },
): Promise<RenderedContent> {
  const { content, seq, diagram } = known;
  if (content === null || content.length > SMALL_LENGTH) return thread.render(stored);
  const rendering = await renderContent(JSON.parse(content) as JSONContent, stored.format);
  return { ...rendering, seq, diagram };
}
