import { expect, test } from "vitest";
import { yDocToContent } from "../schema/yjs-content.ts";
import { describeInBrowser } from "./support/browser.ts";
import {
  createGuest,
  expectNoComplaints,
  linkFor,
  signIn,
  untilReads,
  untilStatus,
  type Visitor,
} from "./support/page-visitor.ts";
import { replay } from "./support/replay.ts";
import { freePort } from "./support/server-process.ts";
import { useServers } from "./support/servers.ts";
import { useTenant } from "./support/tenant.ts";

const { database, tenant } = await useTenant();
const startServer = useServers();

const textInDatabase = async (documentId: string): Promise<string> =>
  JSON.stringify(yDocToContent(await replay(database.sql, documentId)));

/** Types at the very end, wherever the caret was. */
async function typeAtEnd({ text, page }: Visitor, words: string): Promise<void> {
  await text.press("Control+End");
  await page.keyboard.type(words);
}

/** Whoever would lose an edit is asked first; he stays. */
async function expectQuestionAtLeaving({ page }: Visitor): Promise<void> {
  const question = page.waitForEvent("dialog");
  await page.close({ runBeforeUnload: true });
  const dialog = await question;
  expect(dialog.type()).toBe("beforeunload");
  await dialog.dismiss();
}

/** Whoever has lost nothing just goes. */
async function expectFreeToLeave({ page }: Visitor): Promise<void> {
  const gone = page.waitForEvent("close");
  await page.close({ runBeforeUnload: true });
  await gone;
}

describeInBrowser("two people in two browsers", (browser) => {
  test("[L1] type together; the server is killed and started; the words are there", async () => {
    const { sql, env } = database;
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    let server = await startServer({ env, port });
    const { documentId } = await tenant.document({ title: "Rule of the house" });
    const guestId = await createGuest(sql, tenant, { name: "Hildegard", role: "editor" });

    const host = await signIn(browser(), await linkFor({ sql, url: origin }, tenant.userId));
    const guest = await signIn(browser(), await linkFor({ sql, url: origin }, guestId));
    const both = [host, guest];
    await Promise.all(both.map((visitor) => visitor.open(documentId)));

    await typeAtEnd(host, "In the beginning");
    await untilReads(guest, "In the beginning");
    await typeAtEnd(guest, " was the word");
    await Promise.all(both.map((visitor) => untilReads(visitor, "In the beginning was the word")));
    await host.text.locator(".caret-label", { hasText: "Hildegard" }).waitFor();
    await guest.text.locator(".caret-label", { hasText: "Test" }).waitFor();
    await host.page.getByRole("list", { name: "Also here" }).getByText("Hildegard").waitFor();
    await Promise.all(both.map((visitor) => untilStatus(visitor, "Saved")));
    expect(await textInDatabase(documentId)).toContain("In the beginning was the word");
    expectNoComplaints(both);

    await server.end("SIGKILL");
    const offline = "Offline: your changes are kept here";
    await Promise.all(both.map((visitor) => untilStatus(visitor, offline)));
    await typeAtEnd(host, ", and it was saved");
    expect(await host.status.textContent()).not.toBe("Saved");
    await expectQuestionAtLeaving(host);
    expect(await textInDatabase(documentId)).not.toContain("and it was saved");

    server = await startServer({ env, port });
    await Promise.all(both.map((visitor) => untilStatus(visitor, "Saved")));
    await untilReads(guest, "was the word, and it was saved");
    expect(await textInDatabase(documentId)).toContain("was the word, and it was saved");
    expectNoComplaints(both, true);
    await Promise.all(both.map(expectFreeToLeave));
    await Promise.all(both.map(({ page }) => page.context().close()));
  });
});
