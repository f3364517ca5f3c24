import type { JSONContent } from "@tiptap/core";
import { describe, expect, test } from "vitest";
import { parseContent, parseMarkdown, renderMarkdown } from "../schema/content.ts";
import { documentSchema } from "../schema/document-schema.ts";
import { sectionsOf } from "../schema/sections.ts";
import { seededRandom } from "./support/random-document.ts";
import { schemaContent } from "./support/schema-content.ts";
import { sized } from "./support/size.ts";

const seeds = Array.from({ length: sized(400, 50_000) }, (_, index) => index + 1);

const contentFor = (seed: number): JSONContent =>
  parseContent(schemaContent(seededRandom(seed), 8));

const doc = (...content: readonly JSONContent[]): JSONContent => ({
  type: "doc",
  content: [...content],
});

const paragraph = (text?: string): JSONContent =>
  text === undefined
    ? { type: "paragraph" }
    : { type: "paragraph", content: [{ type: "text", text }] };

/** Every type of node and mark in content. */
const typesIn = (node: JSONContent): string[] => [
  node.type ?? "",
  ...(node.marks ?? []).map(({ type }) => type),
  ...(node.content ?? []).flatMap(typesIn),
];

const roundTrip = (content: JSONContent): JSONContent => parseMarkdown(renderMarkdown(content));

describe("Markdown of the document schema", () => {
  test("has whole documents, and each of their sections, as they were", () => {
    for (const seed of seeds) {
      const content = contentFor(seed);
      expect(roundTrip(content), `seed ${seed}`).toEqual(content);
      for (const { blocks, title } of sectionsOf(content)) {
        expect(roundTrip(doc(...blocks)), `seed ${seed}, ${title}`).toEqual(doc(...blocks));
      }
    }
  });

  test("was tried with every node and mark", () => {
    const tried = new Set(seeds.slice(0, 400).flatMap((seed) => typesIn(contentFor(seed))));
    const known = [documentSchema.nodes, documentSchema.marks].flatMap(Object.keys);
    expect([...tried].toSorted()).toEqual(known.toSorted());
  });

  test("has tables of any size", () => {
    const row = (type: string, text: string): JSONContent => ({
      type: "tableRow",
      content: [{ type, attrs: { colspan: 1, rowspan: 1 }, content: [paragraph(text)] }],
    });
    for (const [header, rows] of [
      ["a", 33_330],
      ["a", 33_331],
      ["a|b|c", 19_997],
    ] as const) {
      const body = Array.from({ length: rows }, () => row("tableCell", "x"));
      const content = doc({ type: "table", content: [row("tableHeader", header), ...body] });
      expect(roundTrip(content).content?.[0]?.content?.length).toBe(rows + 1);
    }
  });

  test("is written with tags around Markdown where Markdown has no form", () => {
    const cell = (type: string, attrs: object, ...content: JSONContent[]): JSONContent => ({
      type,
      attrs: { colspan: 1, rowspan: 1, ...attrs },
      content,
    });
    const list = { type: "bulletList", content: [{ type: "listItem", content: [paragraph("b")] }] };
    const table = {
      type: "table",
      content: [
        { type: "tableRow", content: [cell("tableHeader", { colspan: 2 }, paragraph("a"), list)] },
        {
          type: "tableRow",
          content: [
            cell("tableCell", { colwidth: [120], align: "right" }, paragraph("c")),
            cell("tableCell", {}, paragraph()),
          ],
        },
      ],
    };
    const letters = {
      type: "orderedList",
      attrs: { start: 3, type: "a" },
      content: [{ type: "listItem", content: [paragraph("d")] }],
    };
    const code = {
      type: "codeBlock",
      attrs: { language: "c" },
      content: [{ type: "text", text: "e\r\n<f>" }],
    };
    const content = doc(table, letters, code);
    const markdown = [
      '<table>\n<tr>\n<th colspan="2">',
      "a",
      "- b",
      '</th>\n</tr>\n<tr>\n<td colwidth="120" style="text-align: right">',
      "c",
      "</td>\n<td></td>\n</tr>\n</table>",
      '<ol start="3" type="a">\n<li>',
      "d",
      "</li>\n</ol>",
      '<pre><code class="language-c">e&#13;&#10;&lt;f&gt;</code></pre>',
    ].join("\n\n");
    expect(renderMarkdown(content)).toBe(`${markdown}\n`);
    expect(parseMarkdown(markdown)).toEqual(content);
  });
});

describe("tags in Markdown", () => {
  const typesOf = (markdown: string) => parseMarkdown(markdown).content?.map(({ type }) => type);

  test("are read as people and models write them", () => {
    const table =
      "before\n<table><thead><tr><th>a<th>b</thead>\n<tr><td colspan=2><b>c</b></table>\n\nafter";
    const [, read] = parseMarkdown(table).content ?? [];
    expect(typesOf(table)).toEqual(["paragraph", "table", "paragraph"]);
    expect(renderMarkdown(doc(read ?? {}))).toContain('<td colspan="2">\n\n**c**\n\n</td>');
    expect(typesOf("<ol><li>a<li>b</ol>")).toEqual(["orderedList"]);
    expect(typesOf("<pre>a\n\nb</pre>")).toEqual(["codeBlock"]);
  });

  test("that are never ended or stand alone lose no text", () => {
    for (const markdown of [
      "<table>\n\na\n\nb",
      "<table><tr><td>a\n\nb",
      "<ol>\n\na\n\n</table>b",
    ]) {
      expect(JSON.stringify(parseMarkdown(markdown))).toMatch(/"a".*"b"/u);
    }
    expect(typesOf("</td>\n\na")).toEqual(["paragraph", "paragraph"]);
  });

  test.each([
    "<table>\n\n",
    "<table>\n\n<td>\n\n",
    "<ol><li>\n\n",
    "<pre>\n\n</pre>\n\n",
    "<td>x\n\n",
  ])("%j without end is read or refused quickly", (piece) => {
    const startedMs = performance.now();
    try {
      parseMarkdown(`<table>\n\n${piece.repeat(300_000 / piece.length)}`);
    } catch (error) {
      expect(error).toMatchObject({ code: "bad_content" });
    }
    // 5 s: each takes a second at most; what is quadratic takes minutes.
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });
});
