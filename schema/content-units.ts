import type { JSONContent } from "@tiptap/core";
import * as Y from "yjs";

import { isBlockId } from "./document-attributes.ts";
import { childrenOf, MAX_DEPTH, textOf } from "./content-node.ts";
import { appendDelta, elementNode } from "./yjs-content.ts";

/** A node, or the neighbouring texts of a parent, with what it takes to recognise it elsewhere. */
export type Unit = {
  /** The node's type, or {@link TEXT_KIND}. Only units of one kind can become each other. */
  readonly kind: string;
  readonly id: string | null;
  /** Equal for units whose own attributes are the same but for ids, whatever is inside. */
  readonly own: number;
  /** The same for all of it. */
  readonly body: number;
  readonly children: readonly Unit[];
  /** All text inside. */
  readonly text: string;
};

/** A unit of a Yjs document. */
export type YjsUnit = Unit & {
  readonly type: Y.XmlElement | Y.XmlText;
  readonly children: readonly YjsUnit[];
};

/** A unit of the content that a document is to have: an element's node, or the text nodes of a text. */
export type ContentUnit = Unit & {
  readonly nodes: readonly JSONContent[];
  readonly children: readonly ContentUnit[];
};

/** The kind of a run of text. No node of the schema has such a name. */
export const TEXT_KIND = "#text";

/** What no content can become: an embed in a text, or what is nested deeper than content may be. */
const FOREIGN_KIND = "#foreign";

/** Gives equal descriptions equal numbers, so that whole trees are compared as numbers. */
export type Numbers = (description: string) => number;

/** A numbering of its own: units of two numberings cannot be compared. */
export function createNumbers(): Numbers {
  const numbers = new Map<string, number>();
  return (description) => {
    const known = numbers.get(description);
    if (known !== undefined) return known;
    numbers.set(description, numbers.size);
    return numbers.size - 1;
  };
}

/** The units of a fragment, in its order; one for each of its children. */
export const yjsUnits = (fragment: Y.XmlFragment, numbers: Numbers, depth = 0): YjsUnit[] =>
  fragment
    .toArray()
    .map((child) =>
      child instanceof Y.XmlText
        ? textUnit(child, numbers)
        : elementUnit(child as Y.XmlElement, numbers, depth),
    );

function textUnit(type: Y.XmlText, numbers: Numbers): YjsUnit {
  const nodes: JSONContent[] = [];
  appendDelta(nodes, type);
  const text = nodes.map(textOf).join("");
  // What is not text has a length and no characters: its places could not be told.
  const kind = text.length === type.length ? TEXT_KIND : FOREIGN_KIND;
  return { type, kind, id: null, children: [], text, ...keysOfTexts(nodes, numbers) };
}

function elementUnit(type: Y.XmlElement, numbers: Numbers, depth: number): YjsUnit {
  const isKnown = type instanceof Y.XmlElement && !type.nodeName.startsWith("#");
  if (!isKnown || depth >= MAX_DEPTH) {
    return { type, kind: FOREIGN_KIND, id: null, own: -1, body: -1, children: [], text: "" };
  }
  const children = yjsUnits(type, numbers, depth + 1);
  return { type, children, ...keysOf(elementNode(type), children, numbers) };
}

/** The units of a node's content, in its order. */
export function contentUnits(parent: JSONContent, numbers: Numbers): ContentUnit[] {
  const units: ContentUnit[] = [];
  let texts: JSONContent[] = [];
  const endText = (): void => {
    if (texts.length === 0) return;
    const text = texts.map(textOf).join("");
    const keys = keysOfTexts(texts, numbers);
    units.push({ kind: TEXT_KIND, id: null, nodes: texts, children: [], text, ...keys });
    texts = [];
  };
  for (const node of childrenOf(parent)) {
    if (node.type === "text") {
      texts.push(node);
      continue;
    }
    endText();
    const children = contentUnits(node, numbers);
    units.push({ nodes: [node], children, ...keysOf(node, children, numbers) });
  }
  endText();
  return units;
}

function keysOf(node: JSONContent, children: readonly Unit[], numbers: Numbers) {
  const { id, ...attributes } = node.attrs ?? {};
  const own = `${node.type ?? ""} ${sorted(attributes)}`;
  return {
    kind: node.type ?? "",
    id: isBlockId(id) ? id : null,
    own: numbers(own),
    body: numbers(`${own} ${children.map(({ body }) => body).join(",")}`),
    text: children.map(({ text }) => text).join(" "),
  };
}

function keysOfTexts(nodes: readonly JSONContent[], numbers: Numbers) {
  const parts = nodes.map(({ text, marks = [] }) => [
    text,
    marks.map(({ type, attrs }) => [type, sorted(attrs ?? {})]),
  ]);
  const key = numbers(`${TEXT_KIND} ${JSON.stringify(parts)}`);
  return { own: key, body: key };
}

/** Attributes in one order; Yjs has them in another than JSON. */
const sorted = (attributes: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)));
