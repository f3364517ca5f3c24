import * as Y from "yjs";
import { proseUpdate } from "../../bench/content.ts";

/** A mention as the editor writes it. */
export function mentionElement(
  targetType: string,
  targetId: string,
  label = "Somebody",
): Y.XmlElement {
  const mention = new Y.XmlElement("mention");
  mention.setAttribute("targetType", targetType);
  mention.setAttribute("targetId", targetId);
  mention.setAttribute("label", label);
  return mention;
}

/** A document of about `bytes` of prose with these mentions spread over it, as one update. */
export function largeDocument(
  bytes: number,
  mentions: readonly { readonly targetType: string; readonly targetId: string }[],
): Uint8Array {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, proseUpdate(bytes));
  const blocks = doc.getXmlFragment("default").toArray();
  const step = Math.floor(blocks.length / Math.max(1, mentions.length));
  doc.transact(() => {
    for (const [index, { targetType, targetId }] of mentions.entries()) {
      const block = blocks[index * step] as Y.XmlElement;
      block.insert(block.length, [mentionElement(targetType, targetId)]);
    }
  });
  const update = Y.encodeStateAsUpdate(doc);
  doc.destroy();
  return update;
}
