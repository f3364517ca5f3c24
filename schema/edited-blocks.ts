import * as Y from "yjs";
import { isBlockId } from "./document-attributes.ts";
import { FRAGMENT } from "./document-schema.ts";

/** How much an update changed. */
export type EditSize = {
  /** UTF-16 units that came in. */
  readonly added: number;
  /** Those that went; where a whole block went, its parts count as one each, since nothing else is known of them. */
  readonly removed: number;
  /** Ids of the top-level blocks, of those that are still there, in the order in which they were met. */
  readonly sections: readonly string[];
  /** By Yjs client, the clock of the first struct that it brought. */
  readonly clocks: ReadonlyMap<number, number>;
};

type YType = Y.AbstractType<unknown>;

/**
 * Measures updates that a document holds: which blocks they touched is looked up where their structs are now.
 * Answers null for bytes that are no update.
 */
export function createEditMeter(doc: Y.Doc): (update: Uint8Array) => EditSize | null {
  const sectionOfType = createSectionFinder(doc);
  const sectionOf = (struct: Y.Item | Y.GC): string | null => {
    if (!(struct instanceof Y.Item) || !(struct.parent instanceof Y.AbstractType)) return null;
    const { content } = struct;
    const own = content instanceof Y.ContentType ? sectionOfType(content.type as YType) : null;
    return own ?? sectionOfType(struct.parent as YType);
  };
  return (update) => {
    const decoded = decode(update);
    if (decoded === null) return null;
    const sections = new Set<string>();
    const touch = (struct: Y.Item | Y.GC): void => {
      const section = sectionOf(struct);
      if (section !== null) sections.add(section);
    };
    let added = 0;
    const clocks = new Map<number, number>();
    for (const struct of decoded.structs) {
      if (!(struct instanceof Y.Item)) continue;
      const { client, clock } = struct.id;
      clocks.set(client, Math.min(clocks.get(client) ?? clock, clock));
      if (struct.content instanceof Y.ContentString) added += struct.length;
      structsIn(doc, struct.id.client, struct.id.clock, 1).forEach(touch);
    }
    let removed = 0;
    for (const [client, ranges] of decoded.ds.clients) {
      for (const { clock, len } of ranges) {
        for (const struct of structsIn(doc, client, clock, len)) {
          touch(struct);
          if (isText(struct)) removed += overlap(struct, clock, len);
        }
      }
    }
    return { added, removed, sections: [...sections], clocks };
  };
}

function decode(update: Uint8Array): ReturnType<typeof Y.decodeUpdate> | null {
  try {
    return Y.decodeUpdate(update);
  } catch {
    return null;
  }
}

/** Of an attribute or an element there are no characters. What was collected with its block can have been any. */
const isText = (struct: Y.Item | Y.GC): boolean =>
  !(struct instanceof Y.Item) || (struct.parentSub === null && struct.parent instanceof Y.Text);

const overlap = (struct: Y.Item | Y.GC, clock: number, length: number): number =>
  Math.min(struct.id.clock + struct.length, clock + length) - Math.max(struct.id.clock, clock);

/** The structs of the document that hold these clocks. */
function structsIn(doc: Y.Doc, client: number, clock: number, length: number): (Y.Item | Y.GC)[] {
  const structs = doc.store.clients.get(client);
  if (structs === undefined || clock >= Y.getState(doc.store, client)) return [];
  const found: (Y.Item | Y.GC)[] = [];
  for (let index = Y.findIndexSS(structs, clock); index < structs.length; index += 1) {
    const struct = structs[index];
    if (struct === undefined || struct.id.clock >= clock + length) break;
    found.push(struct);
  }
  return found;
}

/** The id of the top-level block that a type is or stands in; remembered, as many structs stand in one. */
function createSectionFinder(doc: Y.Doc): (type: YType) => string | null {
  const fragment = doc.share.has(FRAGMENT) ? doc.get(FRAGMENT, Y.XmlFragment) : null;
  const known = new Map<YType, string | null>();
  return (type) => {
    const seen = known.get(type);
    if (seen !== undefined) return seen;
    const block = blockOf(type, fragment as YType | null);
    const id: unknown = block instanceof Y.XmlElement ? block.getAttribute("id") : null;
    const section = isBlockId(id) ? id : null;
    known.set(type, section);
    return section;
  };
}

function blockOf(type: YType, fragment: YType | null): YType | null {
  let inner = type;
  let holder = inner._item;
  while (holder !== null && !holder.deleted && holder.parent instanceof Y.AbstractType) {
    if (holder.parent === fragment) return inner;
    inner = holder.parent as YType;
    holder = inner._item;
  }
  return null;
}
