import type { JSONContent } from "@tiptap/core";

import { MENTION_TARGETS } from "../../schema/document-attributes.ts";

/** A seeded generator of numbers in [0, 1), the same on every machine (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Random = () => number;

export const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)] as T;
export const many = <T>(random: Random, from: number, to: number, make: () => T): T[] =>
  Array.from({ length: from + Math.floor(random() * (to - from + 1)) }, make);

// Ordinary words beside everything that Markdown, HTML or JSON could take for its own.
export const WORDS = [
  "quick",
  "brown",
  "Straße",
  "日本語",
  "naïve",
  "👩‍👩‍👧",
  "a_b_c",
  "x",
  "42",
  "1.",
  "2)",
  "-",
  "+",
  "#",
  "##",
  "=",
  "---",
  "*",
  "**",
  "_",
  "__",
  "~",
  "~~",
  "`",
  "```",
  "|",
  ">",
  "<",
  "<b>",
  "</b>",
  "<script>",
  "<!--",
  "&amp;",
  "&",
  "&#32;",
  "\\",
  "\\*",
  "[",
  "]",
  "[x]",
  "[ ]",
  "[a](b)",
  "![a](b)",
  "(",
  ")",
  "!",
  "!!",
  ":",
  "https://example.com/a_b",
  "www.example.com",
  "a@example.com",
  "@name",
  "{",
  "}",
  "$",
  "^",
  "'",
  '"',
  ".",
  ",",
  "\u00a0",
  "\t",
  "\n",
  "++",
  "i++",
  "é",
  "\u200b",
  "%20",
  "~a~",
] as const;
export const URLS = [
  "https://example.com/",
  "http://example.com/a_(b)?c=d&e=f&amp;g#h",
  "https://example.com/%20~*`|[x]\\y",
  "mailto:someone@example.com",
] as const;
const MARKS = ["bold", "italic", "strike", "underline", "code"] as const;

const words = (random: Random): string =>
  many(random, 1, 5, () => pick(random, WORDS)).join(random() < 0.7 ? " " : "");

function marks(random: Random): { type: string; attrs?: Record<string, unknown> }[] {
  const chosen: { type: string; attrs?: Record<string, unknown> }[] = MARKS.filter(
    () => random() < 0.2,
  ).map((type) => ({ type }));
  if (random() < 0.15) {
    const title = random() < 0.3 ? { title: words(random) } : {};
    chosen.push({ type: "link", attrs: { href: pick(random, URLS), ...title } });
  }
  return chosen;
}

function inline(random: Random): JSONContent {
  const kind = random();
  if (kind < 0.08) return { type: "hardBreak" };
  if (kind < 0.16) {
    const targetId = `id-${Math.floor(random() * 1000)}`;
    const targetType = pick(random, MENTION_TARGETS);
    return { type: "mention", attrs: { targetType, targetId, label: words(random) } };
  }
  return { type: "text", text: words(random), marks: marks(random) };
}

const textBlock = (random: Random, type: string, attrs = {}): JSONContent => ({
  type,
  attrs,
  content: many(random, random() < 0.1 ? 0 : 1, 5, () => inline(random)),
});

const paragraph = (random: Random): JSONContent => textBlock(random, "paragraph");

function codeBlock(random: Random): JSONContent {
  const language = random() < 0.5 ? { language: pick(random, ["ts", "c++", "mermaid"]) } : {};
  const lines = many(random, 0, 4, () =>
    pick(random, ["", "  x", "```", "# a", "- b", "<p>", "y\\"]),
  );
  const text = lines.join("\n");
  return {
    type: "codeBlock",
    attrs: language,
    content: text === "" ? [] : [{ type: "text", text }],
  };
}

function entries(random: Random, type: string, depth: number): JSONContent[] {
  return many(random, 1, 3, () => ({
    type,
    ...(type === "taskItem" && { attrs: { checked: random() < 0.5 } }),
    content: [
      paragraph(random),
      ...(random() < 0.4 ? many(random, 1, 2, () => block(random, depth + 1)) : []),
    ],
  }));
}

/** A table as Markdown can say it: a header row, one paragraph a cell. */
function table(random: Random): JSONContent {
  const aligns = many(random, 1, 3, () => pick(random, [null, null, "left", "center", "right"]));
  const row = (type: string): JSONContent => ({
    type: "tableRow",
    content: aligns.map((align) => ({
      type,
      attrs: align === null ? {} : { align },
      content: [paragraph(random)],
    })),
  });
  return {
    type: "table",
    content: [row("tableHeader"), ...many(random, 0, 3, () => row("tableCell"))],
  };
}

function image(random: Random): JSONContent {
  const src = pick(
    random,
    URLS.filter((url) => url.startsWith("http")),
  );
  return { type: "image", attrs: { src, alt: words(random), title: words(random) } };
}

const SIMPLE: readonly ((random: Random) => JSONContent)[] = [
  paragraph,
  paragraph,
  paragraph,
  (random) => textBlock(random, "heading", { level: 1 + Math.floor(random() * 6) }),
  codeBlock,
  image,
  () => ({ type: "horizontalRule" }),
  table,
];

const NESTED: readonly ((random: Random, depth: number) => JSONContent)[] = [
  (random, depth) => ({ type: "bulletList", content: entries(random, "listItem", depth) }),
  (random, depth) => ({ type: "taskList", content: entries(random, "taskItem", depth) }),
  (random, depth) => ({
    type: "orderedList",
    attrs: { start: pick(random, [0, 1, 1, 1, 9, 99]) },
    content: entries(random, "listItem", depth),
  }),
  (random, depth) => ({
    type: "blockquote",
    content: many(random, 1, 3, () => block(random, depth + 1)),
  }),
];

const block = (random: Random, depth: number): JSONContent =>
  depth < 3 && random() < 0.4 ? pick(random, NESTED)(random, depth) : pick(random, SIMPLE)(random);

/**
 * A random document of `size` top-level blocks that fits the schema and that Markdown can say in full, with
 * texts that look like syntax. No block ids. Not canonical: pass it through `parseContent` to compare.
 */
export const randomContent = (random: () => number, size: number): JSONContent => ({
  type: "doc",
  content: Array.from({ length: Math.max(1, size) }, () => block(random, 0)),
});
