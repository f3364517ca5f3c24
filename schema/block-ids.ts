import type { JSONContent } from "@tiptap/core";

import { isBlockId } from "./document-attributes.ts";

/** A fresh block id; unique without asking anybody. */
export const newBlockId = (): string => crypto.randomUUID();

/**
 * Gives every top-level block that has no usable id, or one that an earlier block has, a fresh id.
 * Pure: the argument is left as it is, blocks that need nothing are returned themselves.
 */
export function withBlockIds(document: JSONContent): JSONContent {
  const seen = new Set<string>();
  const content = (document.content ?? []).map((block) => {
    const id: unknown = block.attrs?.["id"];
    const usable = isBlockId(id) && !seen.has(id);
    const kept = usable ? id : newBlockId();
    seen.add(kept);
    return usable ? block : { ...block, attrs: { ...block.attrs, id: kept } };
  });
  return { ...document, content };
}
