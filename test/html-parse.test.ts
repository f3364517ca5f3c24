import { expect, test } from "vitest";
import { parseContent, parseHtml, plainText, renderHtml } from "../schema/content.ts";
import { randomContent } from "./support/random-document.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";

const random = createRandom();

/** HTML does not keep how much white space there was, nor marks on nothing else. */
function squeezed(html: string): string {
  let [before, after] = ["", html.replaceAll(/\s+/gu, "")];
  while (before !== after) {
    before = after;
    after = before.replaceAll(/<(a|strong|em|s|u|code)(?:href[^>]*)?><\/\1>/gu, "");
  }
  return after;
}

test("what was written as HTML is read back, but for white space", () => {
  for (let round = 0; round < sized(200, 5000); round += 1) {
    const content = parseContent(randomContent(random, 1 + Math.floor(random() * 8)));
    const html = renderHtml(content);
    expect(squeezed(renderHtml(parseHtml(html)))).toBe(squeezed(html));
  }
});

test("what people bring along is read as far as it is HTML, and nothing in it is dangerous", () => {
  const content = parseHtml(
    "<!doctype html><style>p{}</style><h2>Hi</h2><p>a <b>b <i>c</i></b><p>second<ul><li>x<li>y</ul>" +
      "<div>loose <a href='javascript:alert(1)'>l</a></div><script>alert(1)</script> a < b &amp; c <blink>d</blink>" +
      "<table><tr><th>h<td colspan=2>1</table><img src=x onerror=alert(1)><img src='https://e.org/i.png'>",
  );
  expect(content.content?.map(({ type }) => type)).toEqual([
    "heading",
    "paragraph",
    "paragraph",
    "bulletList",
    "paragraph",
    "paragraph",
    "table",
    "image",
  ]);
  expect(plainText(content)).not.toContain("alert");
  expect(JSON.stringify(content)).not.toContain("javascript");
});

test("broken and hostile HTML is read or refused quickly", () => {
  const pieces = [
    "<",
    '<a "',
    "<a ",
    "</a>",
    "<script>",
    "<!--",
    "<b>",
    "<p>x</p>",
    "<li>",
    "&#",
    "<table>",
    "<td>",
  ];
  for (const piece of pieces) {
    const startedMs = performance.now();
    try {
      parseHtml(piece.repeat(300_000 / piece.length));
    } catch (error) {
      expect(error).toMatchObject({ code: "bad_content" });
    }
    // 3 s: each takes some hundred ms at most; what is quadratic takes minutes.
    expect(performance.now() - startedMs).toBeLessThan(3000);
  }
  expect(() => parseHtml("x".repeat(2_000_001))).toThrow(/more than/u);
});
