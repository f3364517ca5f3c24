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
} from "./support/page-visitor.ts";
import { useRest } from "./support/rest.ts";
import { createTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

const { rest, tenant } = await useRest();

describeInBrowser("who gets in", (browser) => {
  test("a link signs in once; then it says how to get another; signing out ends the session", async () => {
    const address = await linkFor(rest, tenant.userId);
    const visitor = await signIn(browser(), address);
    const { page } = visitor;
    const token = await page.evaluate(() => localStorage.getItem("scriptorium.token"));
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Write together" }).waitFor();
    expect(await page.evaluate(() => localStorage.length)).toBe(0);
    const headers = { authorization: `Bearer ${token}` };
    expect((await rest.fetch("/api/v1/me", { headers })).status).toBe(401);
    expectNoComplaints([visitor]);

    await page.getByLabel("Or paste a link").fill(address);
    await page.getByRole("button", { name: "Go on" }).click();
    const button = page.getByRole("button", { name: "Sign in" });
    await button.waitFor();
    expect(page.url()).toBe(`${rest.url}/sign-in`);
    await page.reload();
    await page.getByText("Open the link from your message once more.").waitFor();
    await page.goto(address);
    await button.click();
    await page.getByText("npm run admin -- user link").waitFor();

    const { documentId } = await tenant.document();
    const wanted = `${rest.url}/documents/${documentId}`;
    await page.goto(wanted);
    await page.getByLabel("Or paste a link").fill(await linkFor(rest, tenant.userId));
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: "Sign in" }).click();
    await visitor.text.waitFor();
    expect(page.url()).toBe(wanted);
    await leave(visitor);
  });

  test("[A2] somebody who may only read cannot type; after sharing more with him he can", async () => {
    const { documentId } = await tenant.document({ title: "Chained book" });
    const guestId = await createGuest(rest.sql, tenant, { name: "Reader", role: "viewer" });
    const guest = await signIn(browser(), await linkFor(rest, guestId));
    await guest.open(documentId);
    await untilStatus(guest, "Read only");
    expect(await guest.text.getAttribute("contenteditable")).toBe("false");
    expect(await guest.page.getByRole("toolbar").isVisible()).toBe(false);
    expect(await guest.page.getByLabel("Title").isEditable()).toBe(false);
    await guest.text.click();
    await guest.page.keyboard.type("scribble");
    expect(await wordsIn(guest)).toBe("");

    const host = await signIn(browser(), await linkFor(rest, tenant.userId));
    await host.open(documentId);
    await host.page.getByRole("button", { name: "Share" }).click();
    await host.page.getByLabel("Role of Reader").selectOption("may write");
    await until(async () => {
      const params = { projectId: tenant.projectId, userId: guestId };
      const { body } = await rest.client(tenant.token).getCollaborator({ params });
      return body.role === "editor";
    });
    await guest.open(documentId);
    await guest.text.click();
    await guest.page.keyboard.type("gloss");
    await untilReads(host, "gloss");
    expectNoComplaints([guest, host]);
    await Promise.all([guest, host].map(leave));
  });

  test("[A1] what is deleted or foreign is said to be so", async () => {
    const { documentId } = await tenant.document();
    const stranger = await createTenant(rest.sql);
    const foreign = await stranger.document();
    const visitor = await signIn(browser(), await linkFor(rest, tenant.userId));
    await visitor.open(documentId);
    await rest.client(tenant.token).deleteDocument({ params: { documentId } });
    await untilStatus(
      visitor,
      "Not allowed: the document was deleted, or is no longer shared with you",
    );
    expect(await visitor.text.getAttribute("contenteditable")).toBe("false");
    await visitor.page.getByText("If it was brought back").waitFor();
    await rest.client(tenant.token).restoreDocument({ params: { documentId } });
    await visitor.page.getByRole("button", { name: "Reload" }).click();
    await untilStatus(visitor, "Saved");
    await rest.client(tenant.token).deleteDocument({ params: { documentId } });
    expectNoComplaints([visitor]);
    for (const id of [documentId, foreign.documentId, "not-an-id"]) {
      await visitor.page.goto(`${rest.url}/documents/${id}`);
      await visitor.page.getByRole("heading", { name: "There is no such document" }).waitFor();
    }
    await leave(visitor);
  });
});
