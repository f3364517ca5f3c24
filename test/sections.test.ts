import type { JSONContent } from "@tiptap/core";
import { expect, test } from "vitest";
import { parseContent, parseMarkdown } from "../schema/content.ts";
import { sectionHash, sectionsOf } from "../schema/sections.ts";
import { randomContent } from "./support/random-document.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";

const random = createRandom();

const block = (type: string, text: string, attrs: object = {}): JSONContent => ({
  type,
  attrs,
  content: [{ type: "text", text }],
});

const doc = (...content: JSONContent[]): JSONContent => ({ type: "doc", content });

const shown = (content: JSONContent) =>
  sectionsOf(content).map(({ sectionId, level, title, blocks }) => [
    sectionId,
    level,
    title,
    blocks.length,
  ]);

test("a heading of any level begins a section; what stands before the first is one too", () => {
  const content = doc(
    block("paragraph", "first", { id: "p0" }),
    block("paragraph", "second", { id: "p1" }),
    block("heading", "One", { id: "h1", level: 1 }),
    block("heading", "One.One", { id: "h2", level: 3 }),
    block("paragraph", "third", { id: "p2" }),
    { type: "blockquote", content: [block("heading", "inside", { id: "h3", level: 1 })] },
  );
  expect(shown(content)).toEqual([
    ["p0", 0, "", 2],
    ["h1", 1, "One", 1],
    ["h2", 3, "One.One", 3],
  ]);
  expect(sectionsOf(doc())).toEqual([]);
});

test("every block is in one section, in its place", () => {
  for (let round = 0; round < sized(200, 20_000); round += 1) {
    const content = parseContent(randomContent(random, 12));
    const sections = sectionsOf(content);
    expect(sections.flatMap(({ blocks }) => blocks)).toEqual(content.content);
    for (const { blocks, level } of sections.slice(1)) {
      expect(blocks[0]).toMatchObject({ type: "heading", attrs: { level } });
    }
  }
});

test("an id that is missing, no id at all or taken already names no section", () => {
  const content = doc(
    block("paragraph", "a", { id: "one" }),
    block("heading", "b", { id: "one", level: 1 }),
    block("heading", "c", { level: 1 }),
    block("heading", "d", { id: "no id", level: 1 }),
    block("heading", "e", { id: "two", level: 1 }),
  );
  expect(sectionsOf(content).map(({ sectionId }) => sectionId)).toEqual([
    "one",
    null,
    null,
    null,
    "two",
  ]);
});

test("a title is one line of at most 200 characters", () => {
  const [plain] = sectionsOf(parseMarkdown("# **Bold** [@Ann](mention:user/u-1)<br>next  line"));
  expect(plain?.title).toBe("Bold @Ann next line");
  const [long] = sectionsOf(doc(block("heading", "👍".repeat(300), { level: 1 })));
  expect(long?.title).toBe("👍".repeat(200));
});

test("a hash tells sections that say something else, and nothing more", () => {
  const hashOf = (...blocks: JSONContent[]) => sectionHash({ blocks });
  const item = (id: string): JSONContent => ({
    type: "listItem",
    content: [block("paragraph", "x", { id })],
  });
  const list = (id: string): JSONContent => ({
    type: "orderedList",
    attrs: { id, start: 2, type: null },
    content: [item(id)],
  });
  const heading = block("heading", "One", { id: "h", level: 1 });
  const hash = hashOf(heading, list("a"));
  expect(hash).toMatch(/^[\w-]{22}$/u);
  expect(hashOf(block("heading", "One", { level: 1, id: "other" }), list("b"))).toBe(hash);
  expect(hashOf(heading, { type: "orderedList", attrs: { start: 2 }, content: [item("a")] })).toBe(
    hash,
  );
  expect(hashOf(block("paragraph", "x", { id: "a" }))).toBe(
    hashOf({ type: "paragraph", content: [{ type: "text", text: "x" }] }),
  );
  const others = [
    hashOf(heading),
    hashOf(list("a"), heading),
    hashOf(block("heading", "One", { level: 2 }), list("a")),
    hashOf(block("heading", "one", { level: 1 }), list("a")),
    hashOf(heading, { ...list("a"), attrs: { start: 3 } }),
  ];
  expect(new Set([hash, ...others]).size).toBe(others.length + 1);
});
