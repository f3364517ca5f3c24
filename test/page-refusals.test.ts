import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.ts";
import {
  expectNoComplaints,
  leave,
  linkFor,
  signIn,
  untilReads,
  untilStatus,
  type Visitor,
} from "./support/page-visitor.ts";
import { useRest } from "./support/rest.ts";
import { until } from "./support/until.ts";

const { rest, tenant } = await useRest();

const tokenOf = ({ page }: Visitor): Promise<string | null> =>
  page.evaluate(() => localStorage.getItem("scriptorium.token"));

describeInBrowser("what the server refuses", (browser) => {
  test("a title that somebody else changed meanwhile is not written over", async () => {
    const { documentId } = await tenant.document({ title: "Psalter" });
    const visitor = await signIn(browser(), await linkFor(rest, tenant.userId));
    await visitor.open(documentId);
    const client = rest.client(tenant.token);
    const params = { documentId };
    await client.updateDocument({ params, body: { title: "Great psalter" } });
    const title = visitor.page.getByLabel("Title");
    await title.fill("Small psalter");
    await title.press("Enter");
    await visitor.page.getByText("Somebody else has just called it “Great psalter”").waitFor();
    expect(await title.inputValue()).toBe("Great psalter");
    expect((await client.getDocument({ params })).body.title).toBe("Great psalter");
    await title.fill("Small psalter");
    await title.press("Enter");
    await until(async () => (await client.getDocument({ params })).body.title === "Small psalter");
    expectNoComplaints([visitor]);
    await leave(visitor);
  });

  test("[A3] after the sign-in has ended the text stays; signed in again, it is saved", async () => {
    const { documentId } = await tenant.document();
    const visitor = await signIn(browser(), await linkFor(rest, tenant.userId));
    const { page, text } = visitor;
    await visitor.open(documentId);
    await text.click();
    await page.keyboard.type("Compline");
    await untilStatus(visitor, "Saved");
    await rest.client(await tokenOf(visitor)).signOut();
    await untilStatus(visitor, "Not allowed: your sign-in has ended");
    await untilReads(visitor, "Compline");
    expect(await text.getAttribute("contenteditable")).toBe("false");

    const other = await page.context().newPage();
    await other.goto(await linkFor(rest, tenant.userId));
    await other.getByRole("button", { name: "Sign in" }).click();
    await other.getByRole("heading", { name: "Documents" }).waitFor();
    await page.getByRole("button", { name: "Connect again" }).click();
    await untilStatus(visitor, "Saved");
    await text.press("Control+End");
    await page.keyboard.type(" is sung");
    await untilReads(visitor, "Compline is sung");
    await untilStatus(visitor, "Saved");
    expect(await page.getByRole("button", { name: "Connect again" }).isVisible()).toBe(false);
    expectNoComplaints([visitor]);
    await leave(visitor);
  });

  test("[A3] signing out in another tab ends the document here, in words", async () => {
    const { documentId } = await tenant.document({ title: "Vigil" });
    const visitor = await signIn(browser(), await linkFor(rest, tenant.userId));
    const { page } = visitor;
    await visitor.open(documentId);
    await untilStatus(visitor, "Saved");
    const other = await page.context().newPage();
    await other.goto(rest.url);
    const title = page.getByLabel("Title");
    await title.fill("Vespers");
    await other.getByRole("button", { name: "Sign out" }).click();
    await untilStatus(visitor, "Not allowed: your sign-in has ended");
    await page.getByText("You signed out in another tab.").waitFor();
    expect(await visitor.text.getAttribute("contenteditable")).toBe("false");
    await title.blur();
    await page.getByText("You are no longer signed in. Sign in in another tab").waitFor();
    await leave(visitor);
  });

  test("the network that is gone is said at once, and so is its return", async () => {
    const { documentId } = await tenant.document();
    const visitor = await signIn(browser(), await linkFor(rest, tenant.userId));
    const { page, text } = visitor;
    await visitor.open(documentId);
    await untilStatus(visitor, "Saved");
    await page.context().setOffline(true);
    await untilStatus(visitor, "Offline: your changes are kept here");
    await text.click();
    await page.keyboard.type("Sung in the dark");
    await untilStatus(visitor, "Offline: your changes are kept here");
    await page.context().setOffline(false);
    await untilStatus(visitor, "Saved");
    expectNoComplaints([visitor], true);
    await leave(visitor);
  });
});
