import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.ts";
import {
  createGuest,
  expectNoComplaints,
  linkFor,
  signIn,
  untilReads,
  untilStatus,
  wordsIn,
  type Visitor,
} from "./support/page-visitor.ts";
import { useRest } from "./support/rest.ts";
import { until } from "./support/until.ts";

const { rest, tenant } = await useRest();
let host: Visitor;
let guest: Visitor;

/** A new document, open in two browsers. */
async function openBoth(browser: Parameters<typeof signIn>[0]): Promise<void> {
  const { documentId } = await tenant.document();
  const guestId = await createGuest(rest.sql, tenant, {
    name: `Guest-${documentId.slice(0, 8)}`,
    role: "editor",
  });
  host = await signIn(browser, await linkFor(rest, tenant.userId));
  guest = await signIn(browser, await linkFor(rest, guestId));
  await Promise.all([host, guest].map((visitor) => visitor.open(documentId)));
  await Promise.all([host, guest].map(settle));
}

/** Until the browser has told ProseMirror where the caret is: keys typed before that go where it was. */
const settled = ({ page }: Visitor, ms: number): Promise<void> => page.waitForTimeout(ms);

/** ProseMirror sets the selection once more 20 ms after the focus, which may undo a key pressed before. */
async function settle(visitor: Visitor): Promise<void> {
  await visitor.text.click();
  await settled(visitor, 200);
}

/** Types where the caret is, and waits until the other one reads it. */
async function types(who: Visitor, words: string, other: Visitor): Promise<void> {
  await who.page.keyboard.type(words);
  await untilStatus(who, "Saved");
  await untilReads(other, words);
}

async function press(who: Visitor, key: string, times = 1): Promise<void> {
  for (let time = 0; time < times; time += 1) await who.page.keyboard.press(key);
  await settled(who, 100);
}

/** What somebody reads behind the other's caret, in the last paragraph. */
const afterCaret = ({ text }: Visitor): Promise<string> =>
  text
    .locator("p")
    .last()
    .evaluate((paragraph) => {
      const caret = paragraph.querySelector(".caret");
      if (caret === null) return "";
      const behind = document.createRange();
      behind.setStartAfter(caret);
      behind.setEnd(paragraph, paragraph.childNodes.length);
      return behind.toString().replaceAll("\u2060", "");
    });

async function expectBothRead(words: string): Promise<void> {
  await Promise.all([untilReads(host, words), untilReads(guest, words)]);
  expect([await wordsIn(host), await wordsIn(guest)]).toEqual([words, words]);
  expectNoComplaints([host, guest]);
  await Promise.all([host, guest].map(({ page }) => page.context().close()));
}

describeInBrowser("a caret, when somebody else writes before it in its block", (browser) => {
  test("stays behind the same words in a paragraph", async () => {
    await openBoth(browser());
    await types(host, "base. ", guest);
    await press(guest, "Control+Home");
    await types(guest, "guest start. ", host);
    await types(host, "TAIL", guest);
    await types(guest, "more. ", host);
    await types(host, "END", guest);
    await expectBothRead("guest start. more. base. TAILEND");
  });

  test("stays in its place when the words before it are deleted", async () => {
    await openBoth(browser());
    await types(host, "one", guest);
    await host.page.keyboard.press("Enter");
    await types(host, "two three", guest);
    await press(host, "ArrowLeft", "three".length);
    await press(guest, "Control+End");
    await until(async () => {
      await press(guest, "Home");
      return (await afterCaret(host)) === "two three";
    });
    await press(guest, "Delete", "two ".length);
    await untilReads(host, "onethree");
    await types(host, "and ", guest);
    await expectBothRead("oneand three");
  });

  test("stays behind the same words in a list, whichever point is written in", async () => {
    await openBoth(browser());
    await host.page.keyboard.type("- one");
    await host.page.keyboard.press("Enter");
    await host.page.keyboard.type("two");
    await untilReads(guest, "onetwo");
    await press(guest, "Control+Home");
    await types(guest, "point ", host);
    await types(host, " and", guest);
    await press(guest, "End");
    await press(guest, "Enter");
    await types(guest, "between", host);
    await types(host, " a", guest);
    await press(guest, "ArrowDown");
    await press(guest, "Home");
    await types(guest, "point ", host);
    await types(host, " half", guest);
    await expectBothRead("point onebetweenpoint two and a half");
  });
});
