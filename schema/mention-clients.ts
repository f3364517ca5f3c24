import * as Y from "yjs";
import { FRAGMENT } from "./document-schema.ts";

/** Which mention: the kind and the id of its target, and the how many-th of that target in the document it is, from 1. */
export const mentionKey = (mention: {
  readonly targetType: string;
  readonly targetId: string;
  readonly occurrence: number;
}): string => `${mention.targetType}:${mention.targetId.toLowerCase()}:${mention.occurrence}`;

/** The Yjs client that put each mention where it is, by {@link mentionKey}: occurrences are counted in document order. */
export function mentionClients(doc: Y.Doc): ReadonlyMap<string, number> {
  const clients = new Map<string, number>();
  const counts = new Map<string, number>();
  if (!doc.share.has(FRAGMENT)) return clients;
  // Without recursion: nesting may be deeper than the stack. The last is the next, so that the order is the document's.
  const waiting: Y.XmlFragment[] = [doc.get(FRAGMENT, Y.XmlFragment)];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const client = next._item?.id.client;
    if (next instanceof Y.XmlElement && next.nodeName === "mention" && client !== undefined) {
      const targetType = String(next.getAttribute("targetType"));
      const targetId = String(next.getAttribute("targetId"));
      const occurrence = (counts.get(`${targetType}:${targetId}`) ?? 0) + 1;
      counts.set(`${targetType}:${targetId}`, occurrence);
      clients.set(mentionKey({ targetType, targetId, occurrence }), client);
    }
    const inner = (next.toArray() as unknown[]).filter((child) => child instanceof Y.XmlElement);
    for (const child of inner.toReversed()) waiting.push(child);
  }
  return clients;
}
