import type { JSONContent } from "@tiptap/core";
import { prosemirrorJSONToYDoc } from "@tiptap/y-tiptap";
import * as Y from "yjs";

import { withBlockIds } from "./block-ids.ts";
import { isRecord, isUnsafeKey, type MarkJson, storableText } from "./content-node.ts";
import { DIAGRAM, documentSchema, FRAGMENT } from "./document-schema.ts";

/**
 * A Yjs v1 update that fills the fragment of an empty document with this content, which must fit the
 * schema (`parseContent` first). Blocks without an id get one. Apply it to one document once: each
 * call makes insertions of its own, and a second one duplicates the text (FIELD-NOTES 25, 28).
 */
export function contentToYUpdate(content: JSONContent): Uint8Array {
  const doc = prosemirrorJSONToYDoc(documentSchema, withBlockIds(content), FRAGMENT);
  try {
    return Y.encodeStateAsUpdate(doc);
  } finally {
    doc.destroy();
  }
}

const MAX_VALUE_DEPTH = 8;
const ABSENT = Symbol("absent");

/** An attribute value as JSON; what JSON cannot say (bytes, bigint, Yjs types, NaN) is absent. */
function jsonValue(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return storableText(value);
  if (typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : ABSENT;
  if (depth >= MAX_VALUE_DEPTH) return ABSENT;
  if (Array.isArray(value)) {
    return value.map((entry) => jsonValue(entry, depth + 1)).filter((entry) => entry !== ABSENT);
  }
  if (!isRecord(value) || Object.getPrototypeOf(value) !== Object.prototype) return ABSENT;
  return jsonRecord(value, depth + 1);
}

/** Named values without nulls (they mean "not set") and without keys that reach a prototype. */
function jsonRecord(values: Record<string, unknown>, depth = 0): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value === null || isUnsafeKey(name)) continue;
    const json = jsonValue(value, depth);
    if (json !== ABSENT) kept[storableText(name)] = json;
  }
  return kept;
}

const withAttributes = (attrs: Record<string, unknown>) =>
  Object.keys(attrs).length === 0 ? {} : { attrs };

// y-tiptap writes marks that may overlap themselves as `name--` and eight characters of a hash.
const HASHED_MARK = /^(.*)--[a-zA-Z0-9+/=]{8}$/su;

const markRanks = new Map(Object.keys(documentSchema.marks).map((name, rank) => [name, rank]));
const rankOf = (mark: MarkJson): number => markRanks.get(mark.type) ?? markRanks.size;

/** A text's marks in schema order, so that the same document always gives the same JSON. */
function marksFrom(attributes: Record<string, unknown>): MarkJson[] {
  return Object.entries(attributes)
    .filter(([key, value]) => value !== null && !isUnsafeKey(key))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({
      type: storableText(HASHED_MARK.exec(key)?.[1] ?? key),
      ...withAttributes(isRecord(value) ? jsonRecord(value) : {}),
    }))
    .toSorted((a, b) => rankOf(a) - rankOf(b));
}

function appendText(content: JSONContent[], text: string, marks: MarkJson[]): void {
  const previous = content.at(-1);
  const same =
    previous?.type === "text" && JSON.stringify(previous.marks ?? []) === JSON.stringify(marks);
  // Two people's text nodes side by side are one text to the editor, and so here.
  if (same) previous.text = `${previous.text ?? ""}${text}`;
  else content.push({ type: "text", text, ...(marks.length > 0 && { marks }) });
}

/** Appends a text with its marks, as text nodes. */
export function appendDelta(content: JSONContent[], text: Y.XmlText): void {
  for (const operation of text.toDelta() as { insert: unknown; attributes?: unknown }[]) {
    const { insert, attributes } = operation;
    if (typeof insert !== "string") continue; // an embed, which no editor of ours makes or shows
    appendText(content, storableText(insert), isRecord(attributes) ? marksFrom(attributes) : []);
  }
}

/** An element as a node without its content. */
export const elementNode = (element: Y.XmlElement): JSONContent => ({
  type: storableText(element.nodeName),
  ...withAttributes(jsonRecord(element.getAttributes())),
});

/** Gives `root` the content of its fragment. Walks without recursion: nesting may be deeper than the stack. */
function fillContent(root: JSONContent, fragment: Y.XmlFragment): void {
  const waiting = [{ node: root, fragment }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const content: JSONContent[] = [];
    for (const child of next.fragment.toArray() as unknown[]) {
      if (child instanceof Y.XmlText) appendDelta(content, child);
      else if (child instanceof Y.XmlElement) {
        const node = elementNode(child);
        content.push(node);
        waiting.push({ node, fragment: child });
      }
    }
    if (content.length > 0) next.node.content = content;
  }
}

/**
 * The document as Tiptap JSON, as it stands: nodes, marks and attributes that the schema does not have are
 * kept, so pass it through `parseContent` before relying on its shape. An empty document gives
 * `{ type: "doc", content: [] }`. Never throws on content and never changes the document. What
 * PostgreSQL's jsonb cannot hold (NUL, half surrogate pairs) becomes U+FFFD.
 */
export function yDocToContent(doc: Y.Doc): JSONContent {
  const document: JSONContent = { type: "doc", content: [] };
  if (doc.share.has(FRAGMENT)) fillContent(document, doc.getXmlFragment(FRAGMENT));
  return document;
}

/** The Mermaid source of a diagram, null when there is none. Never changes the document. */
export function yDocDiagram(doc: Y.Doc): string | null {
  if (!doc.share.has(DIAGRAM)) return null;
  // toJSON is the plain text; the type checker takes toString for Object's.
  const source = doc.getText(DIAGRAM).toJSON();
  return source === "" ? null : storableText(source);
}

/** A node as Tiptap JSON; of a text its text nodes. As it stands, as {@link yDocToContent} has it. */
export function nodeToContent(node: Y.XmlElement | Y.XmlText): JSONContent[] {
  const content: JSONContent[] = [];
  if (node instanceof Y.XmlText) appendDelta(content, node);
  else {
    const root = elementNode(node);
    fillContent(root, node);
    content.push(root);
  }
  return content;
}
