import type { JSONContent } from "@tiptap/core";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { parseContent, parseMarkdown } from "../schema/content.ts";
import { FRAGMENT } from "../schema/document-schema.ts";
import { replaceContent } from "../schema/replace-content.ts";
import { contentToYUpdate, yDocToContent } from "../schema/yjs-content.ts";
import { randomContent } from "./support/random-document.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";

const random = createRandom();
const upTo = (limit: number): number => Math.floor(random() * limit);

function docOf(content: JSONContent): Y.Doc {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, contentToYUpdate(content));
  return doc;
}

/** A copy that knows the same and writes as somebody else. */
function fork(doc: Y.Doc): Y.Doc {
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
  return copy;
}

/** The updates that `change` makes. */
function updatesOf(doc: Y.Doc, change: () => void): Uint8Array[] {
  const updates: Uint8Array[] = [];
  const listen = (update: Uint8Array): unknown => updates.push(update);
  doc.on("update", listen);
  change();
  doc.off("update", listen);
  return updates;
}

const withoutIds = (content: JSONContent): unknown =>
  JSON.parse(JSON.stringify(content), (key, value: unknown) => {
    if (key !== "attrs" || typeof value !== "object" || value === null) return value;
    const rest = Object.entries(value).filter(([name]) => name !== "id");
    return rest.length === 0 ? undefined : Object.fromEntries(rest);
  });

const blocksOf = (doc: Y.Doc): Y.XmlElement[] =>
  doc.getXmlFragment(FRAGMENT).toArray() as Y.XmlElement[];
const textIn = (doc: Y.Doc, block: number): Y.XmlText =>
  (doc.getXmlFragment(FRAGMENT).get(block) as Y.XmlElement).get(0) as Y.XmlText;

test("any content becomes any other, exactly, and the same again changes nothing", () => {
  for (let round = 0; round < sized(150, 5000); round += 1) {
    const doc = docOf(parseContent(randomContent(random, 1 + upTo(12))));
    const wanted = parseContent(randomContent(random, 1 + upTo(12)));
    replaceContent(doc, wanted);
    expect(withoutIds(yDocToContent(doc))).toEqual(withoutIds(wanted));
    const read = parseContent(yDocToContent(doc));
    expect(updatesOf(doc, () => replaceContent(doc, read))).toEqual([]);
    expect(updatesOf(doc, () => replaceContent(doc, wanted))).toEqual([]);
    doc.destroy();
  }
});

test("blocks that stay keep their items and ids, whatever is put in, taken out or changed around them", () => {
  for (let round = 0; round < sized(100, 3000); round += 1) {
    const lines = Array.from({ length: 12 }, (_, index) => `Line ${index} has words of its own`);
    const doc = docOf(parseMarkdown(lines.join("\n\n")));
    const before = blocksOf(doc);
    const ids = before.map((block) => block.getAttribute("id"));
    const changed = new Set([upTo(12), upTo(12)]);
    const removed = upTo(12);
    const wanted = lines.flatMap((line, index) => {
      const added = random() < 0.2 ? [`Something new ${round}`] : [];
      if (index === removed) return added;
      return [...added, changed.has(index) ? line.replace("words", "other words") : line];
    });
    replaceContent(doc, parseMarkdown(wanted.join("\n\n")));
    const after = blocksOf(doc);
    for (const [index, block] of before.entries()) {
      if (index === removed) continue;
      expect(after).toContain(block);
      expect(block.getAttribute("id")).toBe(ids[index]);
    }
  }
});

test("who types meanwhile loses nothing, in a block that stays and in one that changes", () => {
  const base = docOf(parseMarkdown("one two three four five\n\nsecond\n\nthird"));
  const [replacing, typing] = [fork(base), fork(base)];
  textIn(typing, 0).insert("one two three".length, " and a half");
  textIn(typing, 1).insert(0, "my ");
  replaceContent(replacing, parseMarkdown("ONE two three four FIVE\n\nnew\n\nsecond\n\nthird"));
  Y.applyUpdate(replacing, Y.encodeStateAsUpdate(typing));
  const texts = blocksOf(replacing).map((block) => (block.get(0) as Y.XmlText).toJSON());
  expect(texts).toEqual(["ONE two three and a half four FIVE", "new", "my second", "third"]);
});

test("content that brings its ids keeps them, also where blocks swap places or are copied", () => {
  const doc = docOf(parseMarkdown("alpha\n\nbeta\n\ngamma"));
  const { content: [a, b, c] = [] } = yDocToContent(doc) as { content?: JSONContent[] };
  const blocks = [c, a, b, a].flatMap((block) => block ?? []);
  replaceContent(doc, parseContent({ type: "doc", content: blocks }));
  const after = yDocToContent(doc).content ?? [];
  expect(after.slice(0, 3)).toEqual([c, a, b]);
  expect(after[3]?.attrs?.["id"]).not.toBe(a?.attrs?.["id"]);
  expect(new Set(after.map(({ attrs }) => attrs?.["id"] as string)).size).toBe(4);
});

test("a text that is emptied stays the same text: what somebody types in it is not lost", () => {
  const base = docOf(parseMarkdown("words\n\nrest"));
  const [replacing, typing] = [fork(base), fork(base)];
  textIn(typing, 0).insert(5, "!");
  const empty = yDocToContent(replacing);
  delete empty.content?.[0]?.content;
  replaceContent(replacing, parseContent(empty));
  Y.applyUpdate(replacing, Y.encodeStateAsUpdate(typing));
  expect(textIn(replacing, 0).toJSON()).toBe("!");
});

test("what no editor makes is replaced: a text at the top, unknown nodes, embeds, deep nesting", () => {
  const doc = new Y.Doc();
  const fragment = doc.getXmlFragment(FRAGMENT);
  const embedding = new Y.XmlText();
  const paragraph = new Y.XmlElement("paragraph");
  fragment.insert(0, [new Y.XmlText("loose"), new Y.XmlElement("#text"), paragraph]);
  paragraph.insert(0, [embedding]);
  embedding.insert(0, "a");
  embedding.insertEmbed(1, { strange: true });
  let deep = new Y.XmlElement("blockquote");
  fragment.insert(0, [deep]);
  for (let level = 0; level < 400; level += 1) {
    const inner = new Y.XmlElement("blockquote");
    deep.insert(0, [inner]);
    deep = inner;
  }
  const wanted = parseMarkdown("> quoted\n\nloose\n\nab");
  replaceContent(doc, wanted);
  expect(withoutIds(yDocToContent(doc))).toEqual(withoutIds(wanted));
});

test("a long document with one change is a small update, and is made quickly", () => {
  const lines = Array.from({ length: 5000 }, (_, index) => `Paragraph ${index % 50} of many`);
  const doc = docOf(parseMarkdown(lines.join("\n\n")));
  const changed = lines.with(10, "Changed").toSpliced(4000, 0, "Inserted").toSpliced(2500, 3);
  const startedMs = performance.now();
  const updates = updatesOf(doc, () => replaceContent(doc, parseMarkdown(changed.join("\n\n"))));
  // 5 s: some hundred ms measured; quadratic work would take minutes.
  expect(performance.now() - startedMs).toBeLessThan(5000);
  expect(updates.length).toBe(1);
  expect(updates[0]?.length).toBeLessThan(1000);
});
