import type { JSONContent } from "@tiptap/core";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import {
  fittingContent,
  parseContent,
  parseHtml,
  parseMarkdown,
  renderHtml,
  renderMarkdown,
} from "../schema/content.ts";
import { yDocToContent } from "../schema/yjs-content.ts";
import { activeContentOf, activeMarkdownOf } from "./support/active-content.ts";
import { HOSTILE_PAYLOADS, type HostilePayload } from "./support/hostile-content.ts";
import { randomContent } from "./support/random-document.ts";
import { createRandom } from "./support/seed.ts";

function documentOf(payloads: readonly HostilePayload[]): Y.Doc {
  const doc = new Y.Doc();
  for (const { write } of payloads) write(doc.getXmlFragment("default"));
  return doc;
}

test("there are enough payloads, and each is told apart", () => {
  expect(HOSTILE_PAYLOADS.length).toBeGreaterThan(200);
  const names = HOSTILE_PAYLOADS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

describe("[T51] a hostile payload is inert", () => {
  test("as JSON: the schema has everything in it", () => {
    for (const payload of HOSTILE_PAYLOADS) {
      const { content } = fittingContent(yDocToContent(documentOf([payload])));
      const read = content.content?.length === 0 ? content : parseContent(content);
      expect([payload.name, read]).toEqual([payload.name, content]);
    }
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  test("as HTML, with the check and without", () => {
    for (const payload of HOSTILE_PAYLOADS) {
      const raw = yDocToContent(documentOf([payload]));
      for (const content of [fittingContent(raw).content, raw]) {
        expect([payload.name, activeContentOf(renderHtml(content))]).toEqual([payload.name, []]);
      }
    }
  });

  test("as Markdown, for a reader that lets HTML through", () => {
    for (const payload of HOSTILE_PAYLOADS) {
      const { content } = fittingContent(yDocToContent(documentOf([payload])));
      const markdown = renderMarkdown(content);
      expect([payload.name, activeMarkdownOf(markdown), markdown]).toEqual([
        payload.name,
        [],
        markdown,
      ]);
    }
  });

  test("all of them in one document, which reads the same again", () => {
    const { content, dropped } = fittingContent(yDocToContent(documentOf(HOSTILE_PAYLOADS)));
    expect(dropped).toBeGreaterThan(HOSTILE_PAYLOADS.length / 4);
    expect(fittingContent(content)).toEqual({ content, dropped: 0 });
    const [html, markdown] = [renderHtml(content), renderMarkdown(content)];
    expect(activeContentOf(html)).toEqual([]);
    expect(activeMarkdownOf(markdown)).toEqual([]);
    expect(activeContentOf(renderHtml(parseHtml(html)))).toEqual([]);
    expect(activeContentOf(renderHtml(parseMarkdown(markdown)))).toEqual([]);
  });
});

const text = (words: string, ...marks: NonNullable<JSONContent["marks"]>): JSONContent => ({
  type: "text",
  text: words,
  ...(marks.length > 0 && { marks }),
});
const paragraph = (...content: JSONContent[]): JSONContent => ({
  type: "paragraph",
  ...(content.length > 0 && { content }),
});

describe("what the schema does not have", () => {
  test("nothing of a document that fits is changed or counted", () => {
    const random = createRandom();
    for (let round = 0; round < 200; round += 1) {
      const content = parseContent(randomContent(random, 5));
      expect(fittingContent(content)).toEqual({ content, dropped: 0 });
    }
  });

  const link = { type: "link", attrs: { href: "https://example.com/" } };
  test.each<[what: string, given: JSONContent[], fitting: JSONContent[], dropped: number]>([
    [
      "an unknown node gives its place to what is inside",
      [{ type: "callout", content: [paragraph(text("a")), paragraph(text("b"))] }],
      [paragraph(text("a")), paragraph(text("b"))],
      1,
    ],
    [
      "unknown marks go, the text and its other marks stay",
      [paragraph(text("a", { type: "blink" }, { type: "bold" }))],
      [paragraph(text("a", { type: "bold" }))],
      1,
    ],
    [
      "of two links one is left, and what a link does not have is not kept",
      [paragraph(text("a", link, { ...link, attrs: { ...link.attrs, onclick: "x" } }))],
      [paragraph(text("a", link))],
      2,
    ],
    [
      "a wrong value takes its default",
      [{ type: "heading", attrs: { level: 7 }, content: [text("a")] }],
      [{ type: "heading", attrs: { level: 1 }, content: [text("a")] }],
      1,
    ],
    [
      "an image of an unsafe address leaves its words, so does a mention of nobody",
      [
        { type: "image", attrs: { src: "javascript:x", alt: "a" } },
        { type: "mention", attrs: { targetType: "user", targetId: "a b", label: "c" } },
      ],
      [paragraph(text("a@c"))],
      2,
    ],
    [
      "text and cells that stand nowhere get what must be around them",
      [text("a"), { type: "tableRow", content: [{ type: "tableCell", content: [text("b")] }] }],
      [
        paragraph(text("a")),
        {
          type: "table",
          content: [
            {
              type: "tableRow",
              content: [
                {
                  type: "tableCell",
                  attrs: { colspan: 1, rowspan: 1 },
                  content: [paragraph(text("b"))],
                },
              ],
            },
          ],
        },
      ],
      0,
    ],
    [
      "a node without what it must hold is filled",
      [{ type: "bulletList" }],
      [{ type: "bulletList", content: [{ type: "listItem", content: [paragraph()] }] }],
      0,
    ],
    [
      "a block inside of text gives its text",
      [{ type: "heading", attrs: { level: 2 }, content: [text("a"), paragraph(text("b"))] }],
      [{ type: "heading", attrs: { level: 2 }, content: [text("ab")] }],
      1,
    ],
  ])("%s", (_, given, fitting, dropped) => {
    const content = { type: "doc", content: fitting };
    expect(fittingContent({ type: "doc", content: given })).toEqual({ content, dropped });
  });

  test("nesting without end is cut, and answers for any JSON", () => {
    let nested = paragraph(text("deep"));
    for (let level = 0; level < 20_000; level += 1) {
      nested = { type: level % 2 === 0 ? "blockquote" : "callout", content: [nested] };
    }
    const { content, dropped } = fittingContent({ type: "doc", content: [nested] });
    expect(dropped).toBeGreaterThan(50);
    expect(parseContent(content)).toEqual(content);
    for (const odd of [{}, { type: "doc", content: 5 }, { content: [null, 1, "x", []] }]) {
      expect(fittingContent(odd as JSONContent).content).toEqual({ type: "doc", content: [] });
    }
  });
});
