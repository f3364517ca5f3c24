import * as Y from "yjs";

/** A stream of numbers in [0, 1). */
export type Random = () => number;

export const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)] as T;

export const upTo = (random: Random, limit: number): number => Math.floor(random() * limit);

const WORDS = ["one ", "naïve ", "日本語", "👩‍👩‍👧", "\n", "a", "<b>", "  "] as const;
const BLOCKS = ["paragraph", "heading", "codeBlock", "blockquote", "bulletList"] as const;
const MARKS: readonly Record<string, unknown>[] = [
  { bold: {} },
  { bold: null },
  { italic: {} },
  { link: { href: "https://example.com/", title: null } },
  { "comment--aGVsbG8h": { id: "c1" } },
];
const ATTRIBUTES = [
  ["level", 2],
  ["id", "b-1"],
  ["language", null],
  ["colwidth", [120, 80]],
] as const;

type Edit = (doc: Y.Doc, random: Random) => void;

const fragmentOf = (doc: Y.Doc): Y.XmlFragment => doc.getXmlFragment("default");

function block(random: Random): Y.XmlElement {
  const element = new Y.XmlElement(pick(random, BLOCKS));
  element.setAttribute("id", `b${upTo(random, 1e6)}`);
  const text = new Y.XmlText(pick(random, WORDS));
  if (random() < 0.2) {
    const inner = new Y.XmlElement("listItem");
    inner.insert(0, [text]);
    element.insert(0, [inner]);
  } else element.insert(0, [text]);
  return element;
}

/** Elements and texts of the document, in no particular order. */
function typesIn(doc: Y.Doc): { elements: Y.XmlElement[]; texts: Y.XmlText[] } {
  const elements: Y.XmlElement[] = [];
  const texts: Y.XmlText[] = [];
  const waiting: Y.XmlFragment[] = [fragmentOf(doc)];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const child of next.toArray() as unknown[]) {
      if (child instanceof Y.XmlText) texts.push(child);
      else if (child instanceof Y.XmlElement) {
        elements.push(child);
        waiting.push(child);
      }
    }
  }
  return { elements, texts };
}

const addBlock: Edit = (doc, random) => {
  const fragment = fragmentOf(doc);
  fragment.insert(upTo(random, fragment.length + 1), [block(random)]);
};

const type: Edit = (doc, random) => {
  const { texts } = typesIn(doc);
  const text = pick(random, texts);
  if (text === undefined) addBlock(doc, random);
  else text.insert(upTo(random, text.length + 1), pick(random, WORDS));
};

const format: Edit = (doc, random) => {
  const text = pick(random, typesIn(doc).texts);
  if (text === undefined || text.length === 0) return addBlock(doc, random);
  const at = upTo(random, text.length);
  return text.format(at, 1 + upTo(random, text.length - at), pick(random, MARKS));
};

const attribute: Edit = (doc, random) => {
  const element = pick(random, typesIn(doc).elements);
  if (element === undefined) return addBlock(doc, random);
  const [name, value] = pick(random, ATTRIBUTES);
  // Attributes are typed as strings; y-tiptap writes whatever ProseMirror has.
  return element.setAttribute(name, value as unknown as string);
};

const remove: Edit = (doc, random) => {
  const { texts } = typesIn(doc);
  const fragment = fragmentOf(doc);
  const text = pick(random, texts);
  if (fragment.length > 20) fragment.delete(upTo(random, fragment.length - 1), 1);
  else if (text !== undefined && text.length > 0) {
    const at = upTo(random, text.length);
    text.delete(at, 1 + upTo(random, text.length - at));
  } else addBlock(doc, random);
};

const diagram: Edit = (doc, random) => {
  const text = doc.getText("diagram");
  if (text.length > 40) text.delete(upTo(random, 20), 10);
  else text.insert(upTo(random, text.length + 1), "graph TD; A-->B");
};

const EDITS: readonly Edit[] = [addBlock, type, type, type, format, attribute, remove, diagram];

/** The update of an edit such as editors make, on a copy of this state, under this Yjs client id. */
export function honestUpdate(state: Uint8Array, clientId: number, random: Random): Uint8Array {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state);
  doc.clientID = clientId;
  const before = Y.encodeStateVector(doc);
  doc.transact(() => {
    for (let left = 1 + upTo(random, 3); left > 0; left -= 1) pick(random, EDITS)(doc, random);
  });
  const update = Y.encodeStateAsUpdate(doc, before);
  doc.destroy();
  return update;
}
