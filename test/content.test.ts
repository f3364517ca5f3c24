import type { JSONContent } from "@tiptap/core";
import { describe, expect, test } from "vitest";

import {
  parseContent,
  parseMarkdown,
  plainText,
  renderHtml,
  renderMarkdown,
} from "../schema/content.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { randomContent, seededRandom } from "./support/random-document.ts";

const SEEDS = process.env["TEST_SIZE"] === "nightly" ? 20_000 : 300;
const seeds = Array.from({ length: SEEDS }, (_, seed) => seed + 1);

const doc = (...content: unknown[]): JSONContent => ({
  type: "doc",
  content: content as JSONContent[],
});
const text = (words: string, ...marks: unknown[]) => ({ type: "text", text: words, marks });
const paragraph = (...content: unknown[]) => ({ type: "paragraph", content });
const mention = (label: string) => ({
  type: "mention",
  attrs: { targetType: "user", targetId: "u-1", label },
});

function refusal(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof ScriptoriumError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("it was accepted");
}

describe("Markdown", () => {
  test("random documents come back from Markdown as they were", () => {
    for (const seed of seeds) {
      const content = parseContent(randomContent(seededRandom(seed), 3));
      expect(parseMarkdown(renderMarkdown(content)), `seed ${seed}`).toEqual(content);
    }
  });

  test("ordinary text is written as people write it", () => {
    const markdown = [
      "# Title",
      "snake_case, **bold**, *italic*, ~~gone~~, `code`, [link](https://a.b/c) and <https://a.b/>. Hello!",
      "1. one\n2. two\n   - [x] done\n   - [ ] open",
      "> quoted\n>\n> twice",
      "```ts\nconst a = 1;\n```",
      "| a | b |\n| --- | ---: |\n| 1 | 2 |",
      "---",
      '![alt](https://a.b/c.png "title")',
      "[@Ada](mention:user/u-1) was here\\\nand there",
    ].join("\n\n");
    expect(renderMarkdown(parseMarkdown(markdown))).toBe(`${markdown}\n`);
  });

  test("an empty document is empty Markdown", () => {
    expect(renderMarkdown(doc())).toBe("");
    expect(renderMarkdown(doc(paragraph()))).toBe("");
    expect(parseMarkdown("")).toEqual(doc({ type: "paragraph" }));
  });

  test("unsafe links and images keep only their text, HTML is never interpreted", () => {
    const content = parseMarkdown(
      "[a](javascript:alert(1)) [b](data:text/html,x) ![c](javascript:x) <img src=x onerror=alert(1)>\n\n<script>alert(1)</script>",
    );
    expect(JSON.stringify(content)).not.toMatch(/"link"|"image"/u);
    expect(plainText(content)).toBe(
      "a b c <img src=x onerror=alert(1)>\n<script>alert(1)</script>",
    );
  });

  test.each([
    ["unclosed emphasis", "*a ".repeat(20_000)],
    ["unclosed mixed emphasis", "**a _b ".repeat(5000)],
    ["links", "[a](b) ".repeat(20_000)],
    ["quotes", ">".repeat(50_000)],
    ["nested bullets", `${"- ".repeat(3000)}a`],
  ])("refuses %s that would block the server", (_, markdown) => {
    expect(refusal(() => parseMarkdown(markdown)).code).toBe("bad_content");
  });

  test("refuses what nests deeper than the stack, wherever it ends", () => {
    for (let depth = 600; depth < 4000; depth += 70) {
      expect(refusal(() => parseMarkdown(`${"> ".repeat(depth)}a`)).code).toBe("bad_content");
    }
  });

  test("refuses what is too long and survives a table that multiplies", () => {
    expect(refusal(() => parseMarkdown("a".repeat(101), 100)).code).toBe("too_large");
    const wide = `${"|a".repeat(5000)}\n${"|-".repeat(5000)}\n${"|\n".repeat(2000)}`;
    expect(parseMarkdown(wide).content?.[0]?.type).toBe("paragraph");
  });
});

describe("parseContent", () => {
  test("answers in canonical form, twice the same", () => {
    const link = { type: "link", attrs: { href: "https://a.b", title: null, target: "_blank" } };
    const content = parseContent(
      doc({
        type: "paragraph",
        attrs: { id: "a", class: "x" },
        content: [
          text("a", link, { type: "bold" }),
          text("b", { type: "bold" }, link),
          mention("Ada"),
        ],
      }),
    );
    const marks = [{ type: "link", attrs: { href: "https://a.b" } }, { type: "bold" }];
    expect(content).toEqual(
      doc({
        type: "paragraph",
        attrs: { id: "a" },
        content: [{ type: "text", text: "ab", marks }, mention("Ada")],
      }),
    );
    expect(parseContent(content)).toEqual(content);
    expect(parseContent(doc())).toEqual(doc({ type: "paragraph" }));
  });

  test("makes text storable: no NUL, no half surrogate pair", () => {
    expect(plainText(parseContent(doc(paragraph(text("a\0b\uD800c")))))).toBe("a\uFFFDb\uFFFDc");
  });

  const link = (href: unknown) => paragraph(text("x", { type: "link", attrs: { href } }));
  test.each<[string, unknown, RegExp]>([
    ["no object", "text", /^doc: must be an object/u],
    ["another top node", paragraph(), /must be a doc/u],
    [
      "an unknown node",
      doc(paragraph(), { type: "script" }),
      /^doc\.content\[1\]: unknown node "script"/u,
    ],
    ["a node named like a prototype", doc({ type: "constructor" }), /unknown node "constructor"/u],
    [
      "an unknown mark",
      doc(paragraph(text("x", { type: "blink" }))),
      /^doc\.content\[0\]\.content\[0\]\.marks\[0\]: unknown mark "blink"/u,
    ],
    [
      "a prototype key",
      JSON.parse('{"type":"doc","content":[{"type":"paragraph","attrs":{"__proto__":{"x":1}}}]}'),
      /attrs: the key __proto__/u,
    ],
    ["a constructor key", doc({ type: "paragraph", constructor: 1 }), /the key constructor/u],
    [
      "a javascript link",
      doc(link("javascript:alert(1)")),
      /attrs\.href: must be an http, https or mailto/u,
    ],
    ["a disguised link", doc(link("java\nscript:alert(1)")), /attrs\.href/u],
    ["a link that is no text", doc(link({ toString: 1 })), /attrs\.href/u],
    ["a data image", doc({ type: "image", attrs: { src: "data:image/svg+xml,x" } }), /attrs\.src/u],
    [
      "a heading level",
      doc({ type: "heading", attrs: { level: 7 } }),
      /attrs\.level: must be a whole number from 1 to 6/u,
    ],
    [
      "a mention without target",
      doc(paragraph({ type: "mention", attrs: { label: "x" } })),
      /attrs\.targetType/u,
    ],
    ["an id", doc({ type: "paragraph", attrs: { id: '"><b>' } }), /attrs\.id/u],
    ["an empty text", doc(paragraph(text(""))), /must not be empty/u],
    ["a block in a paragraph", doc(paragraph(paragraph())), /a paragraph cannot hold paragraph/u],
    ["text at the top", doc(text("x")), /a doc cannot hold text/u],
    ["a list without entries", doc({ type: "bulletList" }), /a bulletList cannot hold nothing/u],
    [
      "marks in code",
      doc({ type: "codeBlock", content: [text("x", { type: "bold" })] }),
      /codeBlock cannot hold/u,
    ],
    [
      "two links on one text",
      doc(
        paragraph(
          text(
            "x",
            { type: "link", attrs: { href: "https://a.b" } },
            { type: "link", attrs: { href: "https://c.d" } },
          ),
        ),
      ),
      /doc: /u,
    ],
    [
      "content that is no list",
      doc({ type: "paragraph", content: { length: 1 } }),
      /must be a list/u,
    ],
  ])("refuses %s", (_, value, reason) => {
    const { code, message } = refusal(() => parseContent(value));
    expect(code).toBe("bad_content");
    expect(message).toMatch(reason);
  });

  test("bounds depth, nodes and length", () => {
    let nested: unknown = paragraph();
    for (let level = 0; level < 5000; level += 1) {
      nested = { type: "blockquote", content: [nested] };
    }
    expect(refusal(() => parseContent(doc(nested))).message).toMatch(
      /nested deeper than 200 levels/u,
    );
    const two = doc(paragraph(text("abc")), paragraph());
    expect(refusal(() => parseContent(two, { maxNodes: 3 })).code).toBe("too_large");
    expect(refusal(() => parseContent(two, { maxLength: 2 })).code).toBe("too_large");
  });
});

describe("HTML and text", () => {
  test("renders the schema's nodes", () => {
    const content = parseMarkdown(
      '## A & <b>\n\n3. x\n\n- [x] y\n\n[@A"da](mention:user/u1)\\\n[z](https://a.b?c="d")',
    );
    expect(renderHtml(content)).toBe(
      '<h2>A &amp; &lt;b&gt;</h2><ol start="3"><li><p>x</p></li></ol>' +
        '<ul data-type="taskList"><li data-type="taskItem" data-checked="true"><label><input type="checkbox" disabled checked></label><div><p>y</p></div></li></ul>' +
        '<p><span data-type="mention" data-target-type="user" data-target-id="u1" data-label="A&quot;da">@A&quot;da</span><br>' +
        '<a href="https://a.b?c=%22d%22" rel="noopener noreferrer nofollow">z</a></p>',
    );
  });

  test("stays inert on content that never went through the schema", () => {
    const evil = '"><script>alert(1)</script>';
    const attrs = {
      id: evil,
      level: evil,
      src: evil,
      href: `javascript:${evil}`,
      language: evil,
      colspan: evil,
    };
    const types = [
      "paragraph",
      "heading",
      "image",
      "table",
      "tableCell",
      "mention",
      "script",
      "__proto__",
      "constructor",
      "toString",
    ];
    const marks = [{ type: "link", attrs }, { type: "onclick" }, { type: "__proto__" }, null];
    const content = types.map((type) => ({
      type,
      attrs,
      content: [{ type: "text", text: evil, marks }, null, 1],
    }));
    const html = renderHtml(
      doc(...content, { type: "image", attrs: { src: "javascript:x", alt: evil } }),
    );
    expect(html).not.toMatch(/<script|javascript:|onclick/u);
    expect(renderMarkdown(doc(...content))).not.toMatch(/(?<!\\)<script|\]\(javascript/u);
    const code = { type: "codeBlock", attrs, content: [text("x")] };
    expect(renderHtml(doc(code))).not.toMatch(/<script/u);
    expect(renderMarkdown(doc(code))).toBe("```\nx\n```\n");
    for (const render of [renderHtml, renderMarkdown, plainText]) {
      for (const odd of [{}, { type: "doc", content: 5 }, { type: 7 }, { type: "text", text: 1 }]) {
        expect(render(odd as JSONContent)).toBe("");
      }
    }
  });

  test("text is one line for each block, mentions as @label", () => {
    const content = parseMarkdown("# A\n\n- b\n- c\n\n| d | e |\n| - | - |\n\n```\nf\n```");
    expect(plainText(content)).toBe("A\nb\nc\nd\ne\nf");
    expect(plainText(doc(paragraph(text("hi "), mention("Ada"))))).toBe("hi @Ada");
  });

  test("content nested without end does not overflow the stack", () => {
    let nested: JSONContent = parseMarkdown("deep");
    for (let level = 0; level < 20_000; level += 1) {
      nested = { type: "blockquote", content: [nested] };
    }
    expect(() => [renderHtml(nested), renderMarkdown(nested), plainText(nested)]).not.toThrow();
  });
});
