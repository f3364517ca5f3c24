import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.ts";
import {
  expectNoComplaints,
  linkFor,
  signIn,
  untilStatus,
  type Visitor,
} from "./support/page-visitor.ts";
import { useRest } from "./support/rest.ts";
import { until } from "./support/until.ts";

const { rest, tenant } = await useRest();

type Pasted = { readonly html?: string; readonly text?: string };

const paste = ({ text: place }: Visitor, { html = "", text = "" }: Pasted): Promise<void> =>
  place.evaluate(
    (shown, flavours) => {
      const clipboardData = new DataTransfer();
      for (const [type, words] of flavours) if (words !== "") clipboardData.setData(type, words);
      const event = { clipboardData, bubbles: true, cancelable: true };
      shown.dispatchEvent(new ClipboardEvent("paste", event));
    },
    [
      ["text/html", html],
      ["text/plain", text],
    ] as const,
  );

async function open(browser: Parameters<typeof signIn>[0]): Promise<Visitor> {
  const { documentId } = await tenant.document();
  const visitor = await signIn(browser, await linkFor(rest, tenant.userId));
  // An address that answers: a lost request would be a complaint.
  await visitor.page.route("https://images.example/**", (route) =>
    route.fulfill({
      contentType: "image/svg+xml",
      body: `<svg xmlns="http://www.w3.org/2000/svg"/>`,
    }),
  );
  await visitor.open(documentId);
  await visitor.text.click();
  return visitor;
}

async function clear({ text, page }: Visitor): Promise<void> {
  await text.click();
  // The first takes the words, the second the list or table they stood in.
  for (const key of ["Control+a", "Delete", "Control+a", "Delete"]) await page.keyboard.press(key);
  await until(async () => (await text.locator("> *").count()) === 1, { describe: "it is empty" });
}

/** What the editor shows, without what no reader sees. */
const shownIn = ({ text }: Visitor): Promise<string> =>
  text.evaluate((shown) => {
    const copy = shown.cloneNode(true) as HTMLElement;
    for (const extra of copy.querySelectorAll(".caret, .ProseMirror-trailingBreak, colgroup")) {
      extra.remove();
    }
    for (const each of copy.querySelectorAll("*")) {
      for (const name of each.getAttributeNames()) {
        if (!["src", "href", "colspan", "rowspan", "start", "type"].includes(name)) {
          each.removeAttribute(name);
        }
      }
    }
    return copy.innerHTML;
  });

const around = (middle: string): string => `<p>one</p>${middle}<p>two</p>`;
const GOOD_IMAGE = `<img src="https://images.example/a.svg">`;

/** What is pasted, and what must be shown then. */
const ODD: readonly (readonly [string, string])[] = [
  ...[
    "file:///C:/a.png",
    "blob:https://x.example/1",
    "cid:1",
    "x.png",
    "",
    "//images.example/a.svg",
    "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=",
  ].map((src) => [around(`<img src="${src}">${GOOD_IMAGE}`), around(GOOD_IMAGE)] as const),
  [around(`<img alt="without an address">`), around("")],
  ...[
    "/foo",
    "#a",
    "javascript:alert(1)",
    "ftp://x/y",
    "data:text/html,x",
    `https://e.com/${"a".repeat(5000)}`,
  ].map(
    (href) =>
      [
        `<p>one <a href="${href}">bad</a> <a href="https://e.com/">good</a></p>`,
        `<p>one bad <a href="https://e.com/">good</a></p>`,
      ] as const,
  ),
  [`<pre><code class="language-${"z".repeat(101)}">x</code></pre>`, "<pre><code>x</code></pre>"],
  ...["0", "-1", "99999", "x"].map(
    (span) =>
      [
        `<table><tr><td colspan="${span}" rowspan="${span}" data-colwidth="a,5">a</td></tr></table>`,
        `<div><table><tbody><tr><td colspan="1" rowspan="1"><p>a</p></td></tr></tbody></table></div>`,
      ] as const,
  ),
  ...["abc", "-5", "99999999999999999999"].map(
    (start) =>
      [`<ol start="${start}" type="Q"><li>x</li></ol>`, "<ol><li><p>x</p></li></ol>"] as const,
  ),
  [
    `<p>by <span data-type="mention" data-target-type="user" data-target-id="?" data-label="Ann">@Ann</span> here</p>`,
    "<p>by @Ann here</p>",
  ],
  [
    `<p>by <span data-type="mention" data-id="zzz" data-label="Ann">@Ann</span> here</p>`,
    "<p>by @Ann here</p>",
  ],
  [`<p data-id="not an id">block</p>`, "<p>block</p>"],
  [
    `<html xmlns:o="urn"><head><!--[if gte mso 9]><xml></xml><![endif]--></head><body><!--StartFragment-->` +
      `<p class=MsoNormal><span style="mso-x:y">Word<o:p></o:p></span></p><![if !vml]><img width=10 ` +
      `src="file:///C:/Temp/clip_image001.png" v:shapes="p"><![endif]><!--EndFragment--></body></html>`,
    "<p>Word</p>",
  ],
];

describeInBrowser("what is pasted", (browser) => {
  test("an attribute that does not fit costs its image or its link, never the words around", async () => {
    const visitor = await open(browser());
    for (const [html, shown] of ODD) {
      await clear(visitor);
      await paste(visitor, { html, text: "plain" });
      expect({ html, shown: await shownIn(visitor) }).toEqual({ html, shown });
    }
    await untilStatus(visitor, "Saved");
    expectNoComplaints([visitor]);
    await visitor.page.context().close();
  });

  test("an image of http stays, though the page does not load it", async () => {
    const visitor = await open(browser());
    const html = around(`<img src="http://images.example/a.svg" alt="seen elsewhere">`);
    await paste(visitor, { html });
    expect(await shownIn(visitor)).toBe(around(`<img src="http://images.example/a.svg">`));
    await visitor.page.keyboard.type(" goes on");
    await untilStatus(visitor, "Saved");
    expect(await shownIn(visitor)).toContain("<p>two goes on</p>");
    const isPolicy = (complaint: string): boolean => /img-src| csp$/u.test(complaint);
    const others = visitor.complaints.filter((complaint) => !isPolicy(complaint));
    expect(others).toEqual([]);
    await visitor.page.context().close();
  });

  test("where nothing fits the plain text is pasted; a lone image is said to be refused", async () => {
    const visitor = await open(browser());
    await paste(visitor, { html: `<img src="cid:1" alt="a">`, text: "in words" });
    expect(await shownIn(visitor)).toBe("<p>in words</p>");
    await visitor.page.keyboard.press("Control+a");
    await paste(visitor, { html: `<img src="file:///C:/a.png">` });
    await visitor.page.getByText("Images cannot be pasted here.").waitFor();
    expect(await shownIn(visitor)).toBe("<p>in words</p>");
    expectNoComplaints([visitor]);
    await visitor.page.context().close();
  });

  test("one goes on to write behind an image that was pasted, inserted or typed", async () => {
    const visitor = await open(browser());
    const { keyboard } = visitor.page;
    const reads = async (words: string): Promise<void> => {
      await keyboard.type(words);
      expect(await shownIn(visitor)).toContain(`${GOOD_IMAGE}<p>${words}</p>`);
      await clear(visitor);
    };
    await paste(visitor, { html: GOOD_IMAGE });
    await reads("pasted");
    await visitor.page.getByRole("button", { name: "Insert an image" }).click();
    await visitor.page.getByLabel("Address").fill("https://images.example/a.svg");
    await visitor.page.getByRole("button", { name: "Insert", exact: true }).click();
    await visitor.text.locator("img[src]").waitFor({ state: "attached" });
    await reads("inserted");
    await keyboard.type("so ![it](https://images.example/a.svg)");
    await reads("typed");
    expectNoComplaints([visitor]);
    await visitor.page.context().close();
  });

  test("what cannot be parsed at all is pasted as its plain text", async () => {
    const visitor = await open(browser());
    await visitor.page.evaluate(() => {
      const fails = (): void => {
        throw new Error("for whatever reason");
      };
      Object.defineProperty(CSSStyleDeclaration.prototype, "cssText", { set: fails });
    });
    await paste(visitor, { html: `<p style="color: red">as it looks</p>`, text: "in words" });
    expect(await shownIn(visitor)).toBe("<p>in words</p>");
    await paste(visitor, { html: `<p style="color: red"> without a text of its own</p>` });
    expect(await shownIn(visitor)).toBe("<p>in words without a text of its own</p>");
    await untilStatus(visitor, "Saved");
    const failures = visitor.complaints.filter((complaint) => complaint.startsWith("exception"));
    expect(failures).toEqual(Array(2).fill("exception: for whatever reason"));
    await visitor.page.context().close();
  });
});
