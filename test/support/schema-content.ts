import type { JSONContent } from "@tiptap/core";
import type { MarkType, NodeType } from "@tiptap/pm/model";
import { MENTION_TARGETS } from "../../schema/document-attributes.ts";
import { documentSchema } from "../../schema/document-schema.ts";
import { many, pick, type Random, URLS, WORDS } from "./random-document.ts";

/** Nodes that stand deeper hold as little as they may. */
const MAX_DEPTH = 4;

/** What nobody types: the tags that are written, white space alone, the ends of lines of other systems. */
const STRANGE =
  '|\u0020|\u0020\u0020|\n\n|\r\n|\u2028|<td>|</td>|<table>|</li>|<ol type="a">|<pre>|="'.split(
    "|",
  );

const words = (random: Random): string =>
  many(random, 1, 5, () => pick(random, random() < 0.1 ? STRANGE : WORDS)).join(
    random() < 0.7 ? " " : "",
  );

type Value = (random: Random) => unknown;

const oneOf =
  (...values: readonly unknown[]): Value =>
  (random) =>
    pick(random, values);

const wordsOr =
  (...values: readonly (string | null)[]): Value =>
  (random) =>
    random() < 0.5 ? words(random) : pick(random, values);

const CELL: Readonly<Record<string, Value>> = {
  colspan: oneOf(1, 1, 1, 2, 1000),
  rowspan: oneOf(1, 1, 1, 2, 1000),
  colwidth: oneOf(null, null, [], [0], [120], [50, 60, 70]),
  align: oneOf(null, "left", "center", "right"),
};

/** Values of every kind that the schema takes, for each attribute that it has, but for ids. */
const ATTRIBUTES: Readonly<Record<string, Readonly<Record<string, Value>>>> = {
  heading: { level: oneOf(1, 2, 3, 4, 5, 6) },
  orderedList: {
    start: oneOf(0, 1, 1, 7, 99, 999_999_999),
    type: oneOf(null, null, "1", "a", "A", "i", "I"),
  },
  taskItem: { checked: oneOf(true, false) },
  tableCell: CELL,
  tableHeader: CELL,
  codeBlock: {
    language: oneOf(null, ..."ts c++ mermaid 日本 {.x} \\ ~ c|d [x] *a* _ #32;".split(" ")),
  },
  image: {
    src: oneOf(...URLS.filter((url) => url.startsWith("http"))),
    alt: wordsOr(null, ""),
    title: wordsOr(null, ""),
  },
  mention: {
    targetType: oneOf(...MENTION_TARGETS),
    targetId: oneOf("a", "_-_", "id-7", "x".repeat(100)),
    label: (random) => words(random).slice(0, 200),
  },
  link: { href: oneOf(...URLS), title: wordsOr(null, null, "") },
};

function attributesOf(
  random: Random,
  { name, spec }: NodeType | MarkType,
): { attrs: Record<string, unknown> } {
  const names = Object.keys(spec.attrs ?? {}).filter((each) => each !== "id");
  const attrs = names.map((each) => {
    const value = ATTRIBUTES[name]?.[each];
    if (value === undefined) throw new Error(`No value for ${name}.${each} in this file`);
    return [each, value(random)] as const;
  });
  return { attrs: Object.fromEntries(attrs) };
}

function textIn(random: Random, parent: NodeType): JSONContent {
  const marks = Object.values(documentSchema.marks)
    .filter((type) => parent.allowsMarkType(type) && random() < 0.2)
    .map((type) => ({ type: type.name, ...attributesOf(random, type) }));
  return { type: "text", text: words(random) || "x", marks };
}

/** Any nodes that the content expression of a node takes; `wanted` at most, where it does not take more. */
function contentOf(random: Random, parent: NodeType, depth: number, wanted: number): JSONContent[] {
  const content: JSONContent[] = [];
  const count = Math.floor(random() * (wanted + 1));
  let match = parent.contentMatch;
  while (!match.validEnd || content.length < count) {
    const types = Array.from({ length: match.edgeCount }, (_, edge) => match.edge(edge).type);
    const flat = types.filter((type) => type.isInline || type.inlineContent);
    const type = pick(random, depth < MAX_DEPTH || flat.length === 0 ? types : flat);
    if (types.length === 0) break;
    content.push(type.isText ? textIn(random, parent) : nodeOf(random, type, depth + 1));
    match = match.matchType(type) ?? match;
  }
  return content;
}

const nodeOf = (random: Random, type: NodeType, depth: number): JSONContent => ({
  type: type.name,
  ...attributesOf(random, type),
  content: contentOf(random, type, depth, type.inlineContent ? 5 : 3),
});

/**
 * Random content of whatever the document schema takes: its content expressions are followed, every attribute has
 * every kind of value, and texts look like syntax. No block ids. Not canonical: pass it through `parseContent`.
 */
export const schemaContent = (random: Random, size: number): JSONContent => ({
  type: "doc",
  content: contentOf(random, documentSchema.topNodeType, 0, size),
});
