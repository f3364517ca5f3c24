import type { JSONContent } from "@tiptap/core";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { parseHtml, parseMarkdown } from "../schema/content.ts";
import { replaceContent } from "../schema/replace-content.ts";
import { replaceWords } from "../schema/text-edits.ts";
import { yDocToContent } from "../schema/yjs-content.ts";

// What is counted is work, not time: how often Yjs looks at one of its items, and how many entries of a list it moves
// to make room for another. It does both once for each place it looks for.
const isDeleted = Object.getOwnPropertyDescriptor(Y.Item.prototype, "deleted");
const lists: object = Array.prototype;
const splice = Object.getOwnPropertyDescriptor(lists, "splice");

function workOf(change: () => void): number {
  if (isDeleted?.get === undefined || splice === undefined) throw new Error("Yjs has changed");
  const original = Array.prototype.splice;
  let work = 0;
  Object.defineProperty(Y.Item.prototype, "deleted", {
    ...isDeleted,
    get(this: Y.Item) {
      work += 1;
      return isDeleted.get?.call(this) as boolean;
    },
  });
  Object.defineProperty(lists, "splice", {
    ...splice,
    value(this: unknown[], start: number, ...rest: [number, ...unknown[]]) {
      work += this.length - start;
      return original.call(this, start, ...rest);
    },
  });
  try {
    change();
  } finally {
    Object.defineProperty(Y.Item.prototype, "deleted", isDeleted);
    Object.defineProperty(lists, "splice", splice);
  }
  return work;
}

const shape = (content: JSONContent): unknown =>
  JSON.parse(
    JSON.stringify(content, (key, value: unknown) => (key === "id" ? undefined : value)).replaceAll(
      ',"attrs":{}',
      "",
    ),
  );

const lines = (count: number, line: (index: number) => string[]): JSONContent =>
  parseMarkdown(
    Array.from({ length: count }, (_, index) => line(index))
      .flat()
      .join("\n\n"),
  );
const all = (count: number) => lines(count, (index) => [`line ${index}`]);
const even = (count: number) => lines(count, (index) => (index % 2 === 0 ? [`line ${index}`] : []));
const everyOtherNew = (count: number) =>
  lines(count, (index) => [index % 2 === 0 ? `line ${index}` : `# new ${index}`]);
const html = (text: string) => (count: number) => parseHtml(text.repeat(count));
const none = () => parseMarkdown("");
const hello = () => parseMarkdown("hello");

test.each([
  ["blocks into an empty document", none, all],
  ["blocks between others", even, all],
  ["blocks out from between others", all, even],
  ["blocks in place of every other one", all, everyOtherNew],
  ["a text of many formats into an empty document", none, html("<b>x</b><i>y</i>")],
  ["a text of many formats in place of another text", hello, html("<b>x</b><i>y</i>")],
  ["other formats all over a text", html("<b>x</b><i>y</i>"), html("<i>x</i><b>y</b>")],
  ["formats all over a text that had none", html("x y "), html("<b>x</b> y ")],
  ["other words all over a text", html("a b "), html("a c ")],
])("%s: four times as much is about four times the work", (_, before, after) => {
  const [small, large] = [3000, 12_000].map((count) => {
    // With gc, Yjs itself moves its list of items once for each block that is removed.
    const doc = new Y.Doc({ gc: false });
    replaceContent(doc, before(count));
    const wanted = after(count);
    const work = workOf(() => replaceContent(doc, wanted));
    expect(shape(yDocToContent(doc))).toEqual(shape(wanted));
    doc.destroy();
    return work;
  }) as [number, number];
  // Hardly anything is looked for where all of a text is replaced.
  expect(large / Math.max(small, 1000)).toBeLessThan(6);
  expect(large).toBeGreaterThan(0);
});

test("words all over a long diagram: the work grows with it, and so does a single edit in a very long one", () => {
  const [small, large] = [3000, 12_000].map((count) => {
    const text = new Y.Doc().getText("diagram");
    text.insert(0, "a --> b\n".repeat(count));
    const wanted = "a --> c\n".repeat(count);
    const work = workOf(() => replaceWords(text, wanted));
    expect(text.toJSON()).toBe(wanted);
    return work;
  }) as [number, number];
  expect(large / Math.max(small, 1000)).toBeLessThan(6);
  const text = new Y.Doc().getText("diagram");
  const long = "a --> b\n".repeat(60_000);
  text.insert(0, long);
  replaceWords(text, `first\n${long}`);
  expect(text.toJSON()).toBe(`first\n${long}`);
});
