import type { JSONContent } from "@tiptap/core";
import { childrenOf, textAttribute } from "./content-node.ts";
import { MENTIONED_KINDS, type MentionedKind } from "./closed-sets.ts";
import { isUuid } from "./ids.ts";

/** A mention as it stands in content, which may name anything. */
export type Mention = {
  readonly targetType: string;
  readonly targetId: string;
  /** Which of this target in the content, from 1, in the order of the text. */
  readonly occurrence: number;
};

/** A mention of something that can be mentioned; whether it exists is not said. */
export type TypedMention = Mention & { readonly targetType: MentionedKind };

/** Everything that content mentions, in its order. Answers for any JSON. */
export function mentionsIn(content: JSONContent): Mention[] {
  const found: Mention[] = [];
  const counts = new Map<string, number>();
  // Without recursion: nesting may be deeper than the stack. The last is the next, so that the order is the text's.
  const waiting: JSONContent[] = [content];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.type === "mention") {
      const targetType = textAttribute(node, "targetType") ?? "";
      const targetId = textAttribute(node, "targetId") ?? "";
      const occurrence = (counts.get(`${targetType}:${targetId}`) ?? 0) + 1;
      counts.set(`${targetType}:${targetId}`, occurrence);
      found.push({ targetType, targetId, occurrence });
    }
    for (const child of childrenOf(node).toReversed()) waiting.push(child);
  }
  return found;
}

/** False for what no row can name: kinds that have no table, ids that are none. */
export const isTypedMention = (mention: Mention): mention is TypedMention =>
  (MENTIONED_KINDS as readonly string[]).includes(mention.targetType) && isUuid(mention.targetId);
