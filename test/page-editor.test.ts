import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.ts";
import {
  createGuest,
  expectNoComplaints,
  leave,
  linkFor,
  signIn,
  untilReads,
  untilStatus,
  wordsIn,
  type Visitor,
} from "./support/page-visitor.ts";
import { replay } from "./support/replay.ts";
import { useRest } from "./support/rest.ts";
import { until } from "./support/until.ts";

const { rest, tenant } = await useRest();

const blockIds = ({ text }: Visitor): Promise<(string | null)[]> =>
  text.evaluate((shown) =>
    // A table stands in a wrapper that is none of the document's.
    [...shown.querySelectorAll(":scope > :not(.tableWrapper), :scope > .tableWrapper > table")].map(
      (block) => block.getAttribute("data-id"),
    ),
  );

async function paste({ text }: Visitor, html: string): Promise<void> {
  await text.evaluate((shown, markup) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/html", markup);
    shown.dispatchEvent(
      new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }),
    );
  }, html);
}

describeInBrowser("the editor", (browser) => {
  test("every tool, a table, a pasted page: nothing breaks the policy, every block has an id", async () => {
    const { documentId } = await tenant.document();
    const visitor = await signIn(browser(), await linkFor(rest, tenant.userId));
    const { page, text } = visitor;
    await visitor.open(documentId);
    await text.click();
    const tools = ["Bold", "Italic", "Underline", "Strike through", "Code"];
    for (const name of tools) {
      const button = page.getByRole("button", { name, exact: true });
      await button.click();
      await page.keyboard.type(`${name} `);
      await button.click();
    }
    const blocks = ["Bullet list", "Numbered list", "Task list", "Quote", "Code block"];
    for (const name of blocks) {
      await page.keyboard.press("Control+End");
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name, exact: true }).click();
      await page.keyboard.type(name);
      await page.getByRole("button", { name, exact: true }).click();
    }
    await page.keyboard.press("Control+End");
    await page.keyboard.press("Enter");
    await page.getByLabel("Kind of paragraph").selectOption("Heading 2");
    await page.keyboard.type("Heading");
    await page.keyboard.press("Enter");
    await paste(
      visitor,
      `<style>p { color: red }</style><b style="font-weight: normal"><p style='color: red'>pasted <span style="font-weight: 700">words</span></p>` +
        `<script>alert(1)</script><p onclick="alert(1)" title=" style=x >">more</p></b>`,
    );
    await untilReads(visitor, "pasted words");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Insert a table" }).click();
    await page.keyboard.type("cell");
    await page.getByRole("button", { name: "Column after" }).click();
    await page.locator(".tiptap th").nth(3).waitFor();
    await untilStatus(visitor, "Saved");
    const ids = await blockIds(visitor);
    expect(ids).not.toContain(null);
    expect(new Set(ids).size).toBe(ids.length);
    expect(await text.locator("strong").allTextContents()).toEqual(["Bold ", "words"]);
    expectNoComplaints([visitor]);
    await leave(visitor);
  });

  test("undo takes back one's own words and leaves the other's", async () => {
    const { documentId } = await tenant.document();
    const guestId = await createGuest(rest.sql, tenant, { name: "Undoer", role: "editor" });
    const host = await signIn(browser(), await linkFor(rest, tenant.userId));
    const guest = await signIn(browser(), await linkFor(rest, guestId));
    await Promise.all([host, guest].map((visitor) => visitor.open(documentId)));
    await host.text.click();
    await host.page.keyboard.type("kept");
    await untilReads(guest, "kept");
    await guest.text.press("Control+End");
    await guest.page.keyboard.type(" taken back");
    await untilReads(host, "kept taken back");
    await guest.page.getByRole("button", { name: "Undo" }).click();
    await until(async () => (await wordsIn(host)) === "kept");
    expectNoComplaints([host, guest]);
    await Promise.all([host, guest].map(leave));
  });

  test("two people write one diagram, and undo their own", async () => {
    const { documentId } = await tenant.document({ type: "system_diagram" });
    const guestId = await createGuest(rest.sql, tenant, { name: "Drawer", role: "editor" });
    const host = await signIn(browser(), await linkFor(rest, tenant.userId));
    const guest = await signIn(browser(), await linkFor(rest, guestId));
    await Promise.all([host, guest].map((visitor) => visitor.open(documentId)));
    const [mine, yours] = [host, guest].map(({ page }) => page.getByLabel("Diagram, as Mermaid"));
    if (mine === undefined || yours === undefined) throw new Error("two were opened");
    const reads = (field: typeof mine, words: string): Promise<void> =>
      until(async () => (await field.inputValue()) === words, { describe: words });
    await mine.click();
    await host.page.keyboard.type("graph TD\n  A --> B");
    await reads(yours, "graph TD\n  A --> B");
    await yours.press("Control+Home");
    await guest.page.keyboard.type("%% ours\n");
    await reads(mine, "%% ours\ngraph TD\n  A --> B");
    // The caret stayed at the end, though text came before it.
    await host.page.keyboard.type("😀");
    await reads(yours, "%% ours\ngraph TD\n  A --> B😀");
    await guest.page.keyboard.press("Control+z");
    await reads(mine, "graph TD\n  A --> B😀");
    await untilStatus(host, "Saved");
    const doc = await replay(rest.sql, documentId);
    expect(doc.getText("diagram").toJSON()).toBe("graph TD\n  A --> B😀");
    expectNoComplaints([host, guest]);
    await Promise.all([host, guest].map(leave));
  });
});
