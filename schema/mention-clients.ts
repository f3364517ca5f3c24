import * as Y from "yjs";
import { FRAGMENT } from "./document-schema.ts";

/** Which mention: the kind and the id of its target, and the how many-th of that target in the document, from 1. */
export const mentionKey = (mention: {
  readonly targetType: string;
  readonly targetId: string;
  readonly occurrence: number;
}): string => `${mention.targetType}:${mention.targetId.toLowerCase()}:${mention.occurrence}`;

/**
 * The Yjs client that put each mention where it is, by {@link mentionKey}. `newFrom`: by Yjs client, the clock from
 * which on its structs are new. A mention that is new makes one more of its target, wherever in the text it stands: so
 * those that were there before are counted first, and then the new ones, both in document order.
 */
export function mentionClients(
  doc: Y.Doc,
  newFrom: ReadonlyMap<number, number>,
): ReadonlyMap<string, number> {
  const isNew = ({ client, clock }: Y.ID): boolean => clock >= (newFrom.get(client) ?? Infinity);
  const placed = mentionElements(doc);
  const clients = new Map<string, number>();
  const counts = new Map<string, number>();
  for (const { element, id } of [
    ...placed.filter((each) => !isNew(each.id)),
    ...placed.filter((each) => isNew(each.id)),
  ]) {
    const targetType = String(element.getAttribute("targetType"));
    const targetId = String(element.getAttribute("targetId"));
    const occurrence = (counts.get(`${targetType}:${targetId}`) ?? 0) + 1;
    counts.set(`${targetType}:${targetId}`, occurrence);
    clients.set(mentionKey({ targetType, targetId, occurrence }), id.client);
  }
  return clients;
}

type Placed = { readonly element: Y.XmlElement; readonly id: Y.ID };

function mentionElements(doc: Y.Doc): Placed[] {
  const found: Placed[] = [];
  if (!doc.share.has(FRAGMENT)) return found;
  // Without recursion: nesting may be deeper than the stack. The last is the next, so that the order is the document's.
  const waiting: Y.XmlFragment[] = [doc.get(FRAGMENT, Y.XmlFragment)];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const id = next._item?.id;
    if (next instanceof Y.XmlElement && next.nodeName === "mention" && id !== undefined) {
      found.push({ element: next, id });
    }
    const inner = (next.toArray() as unknown[]).filter((child) => child instanceof Y.XmlElement);
    for (const child of inner.toReversed()) waiting.push(child);
  }
  return found;
}
