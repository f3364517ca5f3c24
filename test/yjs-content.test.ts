import type { JSONContent } from "@tiptap/core";
import { yXmlFragmentToProseMirrorRootNode } from "@tiptap/y-tiptap";
import { expect, test } from "vitest";
import * as Y from "yjs";

import { withBlockIds } from "../schema/block-ids.ts";
import { canonicalJson } from "../schema/content-canonical.ts";
import { parseContent, plainText } from "../schema/content.ts";
import { DIAGRAM, documentSchema, FRAGMENT } from "../schema/document-schema.ts";
import { contentToYUpdate, yDocDiagram, yDocToContent } from "../schema/yjs-content.ts";
import { processorTime } from "./support/processor-time.ts";
import { randomContent, seededRandom } from "./support/random-document.ts";

const SEEDS = process.env["TEST_SIZE"] === "nightly" ? 5000 : 200;

function docOf(...updates: Uint8Array[]): Y.Doc {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc;
}

/** A document that somebody wrote without regard for the schema, as it arrives over a socket. */
function received(write: (fragment: Y.XmlFragment) => void): Y.Doc {
  const doc = new Y.Doc();
  write(doc.getXmlFragment(FRAGMENT));
  return docOf(Y.encodeStateAsUpdate(doc));
}

test("random content comes back from Yjs as it was, and as the editor sees it", () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const content = withBlockIds(parseContent(randomContent(seededRandom(seed), 4)));
    const doc = docOf(contentToYUpdate(content));
    expect(yDocToContent(doc), `seed ${seed}`).toEqual(content);
    const seen = yXmlFragmentToProseMirrorRootNode(doc.getXmlFragment(FRAGMENT), documentSchema);
    expect(canonicalJson(seen), `seed ${seed}`).toEqual(content);
  }
});

test("blocks without an id get one on the way into Yjs", () => {
  const doc = docOf(contentToYUpdate({ type: "doc", content: [{ type: "paragraph" }] }));
  expect(yDocToContent(doc).content?.[0]?.attrs).toEqual({ id: expect.any(String) });
});

test("reading changes nothing: an empty document stays empty", () => {
  const doc = new Y.Doc();
  let updates = 0;
  doc.on("update", () => {
    updates += 1;
  });
  expect(yDocToContent(doc)).toEqual({ type: "doc", content: [] });
  expect(yDocDiagram(doc)).toBeNull();
  expect([...doc.share.keys()]).toEqual([]);
  expect(updates).toBe(0);
  expect(contentToYUpdate({ type: "doc", content: [] })).toEqual(
    Y.encodeStateAsUpdate(new Y.Doc()),
  );
});

test("a diagram is its source, null while there is none", () => {
  const doc = new Y.Doc();
  doc.getText(DIAGRAM).insert(0, "graph TD; a-->b");
  expect(yDocDiagram(docOf(Y.encodeStateAsUpdate(doc)))).toBe("graph TD; a-->b");
  doc.getText(DIAGRAM).delete(0, 15);
  expect(yDocDiagram(doc)).toBeNull();
});

test("hashed names of overlapping marks are read, marks are in schema order, texts are joined", () => {
  const doc = received((fragment) => {
    const paragraph = new Y.XmlElement("paragraph");
    fragment.insert(0, [paragraph]);
    const [one, two] = [new Y.XmlText(), new Y.XmlText()];
    paragraph.insert(0, [one, two, new Y.XmlText()]);
    one.insert(0, "a", { italic: {}, "comment--AbCd12+/": { id: 1 }, bold: {}, strike: null });
    two.insert(0, "b", { bold: {}, "comment--AbCd12+/": { id: 1 }, italic: {} });
  });
  const marks = [{ type: "bold" }, { type: "italic" }, { type: "comment", attrs: { id: 1 } }];
  expect(yDocToContent(doc).content).toEqual([
    { type: "paragraph", content: [{ type: "text", text: "ab", marks }] },
  ]);
});

test("content unknown to the schema is kept, what JSON or PostgreSQL cannot hold is not", () => {
  const doc = received((fragment) => {
    const element = new Y.XmlElement("widget\0");
    const set = (name: string, value: unknown) => element.setAttribute(name, value as string);
    fragment.insert(0, [element, new Y.XmlText("loose\0 \uD800")]);
    set("list", [1, [null, Number.NaN, 10n]]);
    set("bytes", new Uint8Array(3));
    set("big", 10n);
    set("nothing", null);
    set("__proto__", { polluted: true });
    set("constructor", 1);
    set("object", { deep: { a: "b" }, prototype: 1 });
    element.insert(0, [new Y.XmlText()]);
    (element.get(0) as Y.XmlText).insertEmbed(0, { image: "x" });
  });
  const content = yDocToContent(doc);
  expect(content.content).toEqual([
    { type: "widget\uFFFD", attrs: { list: [1, []], object: { deep: { a: "b" } } } },
    { type: "text", text: "loose\uFFFD \uFFFD" },
  ]);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  expect(() => JSON.stringify(content)).not.toThrow();
});

test("a document nested very deep is read", () => {
  const doc = new Y.Doc();
  doc.transact(() => {
    let parent: Y.XmlFragment = doc.getXmlFragment(FRAGMENT);
    for (let level = 0; level < 3000; level += 1) {
      const child = new Y.XmlElement("blockquote");
      parent.insert(0, [child]);
      parent = child;
    }
  });
  let depth = 0;
  for (let node: JSONContent | undefined = yDocToContent(doc); node; node = node.content?.[0]) {
    depth += 1;
  }
  expect(depth).toBe(3001);
});

test("a document of 260,000 characters is read in tens of milliseconds", () => {
  const words = "All the world is a stage and all of us. ".repeat(13);
  const content = Array.from({ length: 500 }, () => ({
    type: "paragraph",
    content: [{ type: "text", text: words }],
  }));
  const doc = docOf(contentToYUpdate({ type: "doc", content }));
  const usedMs = processorTime();
  const read = yDocToContent(doc);
  expect(usedMs()).toBeLessThan(200);
  expect(plainText(read).length).toBe(500 * words.length + 499);
});
