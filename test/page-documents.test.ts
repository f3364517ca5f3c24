import { expect, test } from "vitest";
import { createUser } from "../persistence/accounts.ts";
import { describeInBrowser } from "./support/browser.ts";
import {
  expectNoComplaints,
  leave,
  linkFor,
  signIn,
  untilReads,
  untilStatus,
} from "./support/page-visitor.ts";
import { useRest } from "./support/rest.ts";
import { until } from "./support/until.ts";

const { rest, tenant } = await useRest();

describeInBrowser("the list of documents", (browser) => {
  test("a document is made, written, renamed, deleted and brought back", async () => {
    const visitor = await signIn(browser(), await linkFor(rest, tenant.userId));
    const { page } = visitor;
    await page.getByRole("button", { name: "New document in Test" }).click();
    await page.getByLabel("Title").fill("Breviary");
    await page.getByLabel("Type").selectOption("Technical requirements");
    await page.getByRole("button", { name: "Make it" }).click();
    await visitor.text.click();
    await page.keyboard.type("# Matins");
    await page.keyboard.press("Enter");
    await page.keyboard.type("At the eighth hour of the night.");
    await page.getByRole("heading", { name: "Matins" }).waitFor();
    await page.getByRole("button", { name: "Bold" }).click();
    await page.keyboard.type(" Rise.");
    await page.locator(".tiptap strong").waitFor();
    await untilStatus(visitor, "Saved");
    await page.getByLabel("Title").fill("Book of hours");
    await page.getByLabel("Title").press("Enter");
    const [documentId] = page.url().split("/").slice(-1);
    const params = { documentId: documentId ?? "" };
    await until(async () => {
      const { body } = await rest.client(tenant.token).getDocument({ params });
      return body.title === "Book of hours";
    });

    await page.getByRole("link", { name: "Scriptorium" }).click();
    await page.getByRole("button", { name: "Delete Book of hours" }).click();
    await page.getByRole("link", { name: "Book of hours" }).waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByRole("link", { name: "Book of hours" }).click();
    await untilReads(visitor, "At the eighth hour of the night. Rise.");
    expectNoComplaints([visitor]);
    await leave(visitor);
  });

  test("somebody is invited by e-mail; a stranger's address is explained", async () => {
    const email = `sister-${tenant.projectId}@example.com`;
    await createUser(rest.sql, { email, name: "Sister" });
    const host = await signIn(browser(), await linkFor(rest, tenant.userId));
    await host.page.getByRole("button", { name: "Share" }).click();
    const dialog = host.page.getByRole("dialog");
    await dialog.getByLabel("E-mail").fill(`nobody-${email}`);
    await dialog.getByRole("button", { name: "Share" }).click();
    await dialog.getByRole("alert").getByText("Nobody here has this address").waitFor();
    await dialog.getByLabel("E-mail").fill(email);
    await dialog.getByRole("button", { name: "Share" }).click();
    await dialog.getByLabel("Role of Sister").waitFor();
    await dialog.getByRole("button", { name: "Remove Sister" }).click();
    await dialog.getByLabel("Role of Sister").waitFor({ state: "detached" });
    const params = { projectId: tenant.projectId };
    const { body } = await rest.client(tenant.token).listCollaborators({ params });
    expect(body.collaborators.map((each) => each.email)).not.toContain(email);
    await leave(host);
  });
});
