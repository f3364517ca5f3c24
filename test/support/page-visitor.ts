import type { Browser, Locator, Page } from "playwright-core";
import { expect } from "vitest";
import { setCollaborator, createUser } from "../../persistence/accounts.ts";
import { SCRIPT } from "../../persistence/activities.ts";
import type { Sql } from "../../persistence/database.ts";
import { createSignInLink } from "../../persistence/sign-in-links.ts";
import type { Role } from "../../schema/roles.ts";
import { complaintsOf } from "./browser.ts";
import type { Tenant } from "./tenant.ts";
import { until } from "./until.ts";

/** A person with a browser of his own who is signed in. */
export type Visitor = {
  readonly page: Page;
  /** The editor's text. */
  readonly text: Locator;
  readonly status: Locator;
  /** What the browser complained of: a CSP violation, an exception, a request that failed. */
  readonly complaints: readonly string[];
  /** Opens a document and waits until its text is there. */
  open(documentId: string): Promise<void>;
};

const HOUR_MS = 3_600_000;
const WAIT_MS = 10_000;

/** A one-time link for this user, as the script prints it. */
export async function linkFor(
  { sql, url }: { readonly sql: Sql; readonly url: string },
  userId: string,
): Promise<string> {
  const expiresAt = new Date(Date.now() + HOUR_MS);
  return `${url}/sign-in#${await createSignInLink(sql, { userId, expiresAt }, SCRIPT)}`;
}

/** Makes a user with a role in the tenant's project. */
export async function createGuest(
  sql: Sql,
  { projectId }: Tenant,
  guest: { name: string; role: Role },
): Promise<string> {
  const email = `${guest.name.toLowerCase()}-${projectId}@example.com`;
  const userId = await createUser(sql, { email, name: guest.name });
  await setCollaborator(sql, { projectId, userId, role: guest.role }, SCRIPT);
  return userId;
}

/** Opens a link in a browser of its own and presses the button. */
export async function signIn(browser: Browser, link: string): Promise<Visitor> {
  const context = await browser.newContext();
  // Below the timeout of a test, so that a failure names what was waited for.
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  await page.goto(link);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Documents" }).waitFor();
  // A request that is still under way when the page is left is one that failed.
  await page.locator("[aria-busy=true]").waitFor({ state: "detached" });
  const text = page.getByRole("textbox", { name: "Text of the document" });
  return {
    page,
    text,
    status: page.locator(".save-status"),
    complaints,
    open: async (documentId) => {
      await page.goto(`${new URL(link).origin}/documents/${documentId}`);
      await text.waitFor();
    },
  };
}

/** Closes his browser. */
export const leave = ({ page }: Visitor): Promise<void> => page.context().close();

/** Waits until the saved status reads so, to the letter. */
export const untilStatus = ({ status }: Visitor, words: string): Promise<void> =>
  status.and(status.page().getByText(words, { exact: true })).waitFor();

/** What a visitor reads in the editor; the others' carets, which carry names, left out. */
export const wordsIn = ({ text }: Visitor): Promise<string> =>
  text.evaluate((shown) => {
    const copy = shown.cloneNode(true) as HTMLElement;
    for (const caret of copy.querySelectorAll(".caret")) caret.remove();
    // ProseMirror keeps the caret's place with word joiners.
    return (copy.textContent ?? "").replaceAll("\u2060", "");
  });

/** Waits until a visitor reads these words in the editor. */
export const untilReads = (visitor: Visitor, words: string): Promise<void> =>
  until(async () => (await wordsIn(visitor)).includes(words), {
    describe: `somebody reads "${words}"`,
  });

/** A socket that cannot be opened is an error on Chromium's console; nothing else may be. */
export function expectNoComplaints(visitors: readonly Visitor[], whileDown = false): void {
  const all = visitors.flatMap(({ complaints }) => complaints);
  const isLostSocket = (complaint: string): boolean =>
    /^console: WebSocket connection to '[^']+' failed/u.test(complaint);
  expect(all.filter((complaint) => !(whileDown && isLostSocket(complaint)))).toEqual([]);
}
