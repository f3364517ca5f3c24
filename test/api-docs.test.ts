import { afterAll, beforeAll, expect, test } from "vitest";
import { api } from "../schema/api/index.ts";
import { complaintsOf, describeInBrowser } from "./support/browser.ts";
import { startRest, type Rest } from "./support/rest.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";

let rest: Rest;
let tenant: Tenant;

beforeAll(async () => {
  rest = await startRest();
  tenant = await createTenant(rest.sql);
});
afterAll(async () => {
  await rest.close();
});

/** The right type for the ending of a name. */
const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  png: "image/png",
};

test("the page names files of this server only, and each is served with its type", async () => {
  const page = await rest.fetch("/api/docs");
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const named = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/gu)].map(
    ([, address = ""]) => address,
  );
  const files = named.filter((address) => address !== "/api/v1/openapi.json");
  expect(files.length).toBeGreaterThanOrEqual(5);
  for (const file of files) {
    expect(file).toMatch(/^\/api\/docs\//u);
    const answer = await rest.fetch(file);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe(TYPES[file.split(".").at(-1) ?? ""]);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(100);
  }
});

test("nothing inline runs and nothing comes from elsewhere", async () => {
  const policy = (await rest.fetch("/api/docs")).headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).not.toMatch(/unsafe|https?:|\*/u);
});

test("a file that did not change is not sent again", async () => {
  const first = await rest.fetch("/api/docs/swagger-ui-bundle.js", { method: "HEAD" });
  const etag = first.headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[\w-]{22}"$/u);
  const again = await rest.fetch("/api/docs/swagger-ui-bundle.js", {
    headers: { "if-none-match": etag },
  });
  expect(again.status).toBe(304);
  expect((await rest.fetch("/api/docs/../../package.json")).status).toBe(404);
  expect((await rest.fetch("/api/docs/%2e%2e/package.json")).status).toBe(404);
});

describeInBrowser("in Chromium", (browser) => {
  test("the page shows every section and calls a route with a session token", async () => {
    const page = await browser().newPage();
    page.setDefaultTimeout(10_000);
    const complaints = complaintsOf(page);
    const elsewhere: string[] = [];
    page.on("request", (request) => {
      const address = request.url();
      if (!address.startsWith(rest.url) && !address.startsWith("data:")) elsewhere.push(address);
    });
    await page.goto(`${rest.url}/api/docs`);
    await page.getByRole("heading", { name: "Scriptorium" }).waitFor();
    for (const section of new Set(Object.values(api).map(({ tag }) => tag))) {
      await page.locator(`h3[data-tag="${section}"]`).waitFor();
    }
    await page.getByRole("button", { name: "Authorize", exact: true }).click();
    const dialog = page.locator(".dialog-ux");
    await dialog.locator("input").fill(tenant.token);
    await dialog.getByRole("button", { name: "Apply credentials" }).click();
    await dialog.getByRole("button", { name: "Close", exact: true }).click();
    await page.locator("#operations-Organizations-listOrganizations .opblock-summary").click();
    await page.getByRole("button", { name: "Try it out" }).click();
    const answered = page.waitForResponse((response) => response.url().includes("/organizations"));
    await page.getByRole("button", { name: "Execute" }).click();
    const answer = (await (await answered).json()) as { organizations: { id: string }[] };
    expect(answer.organizations.map(({ id }) => id)).toEqual([tenant.organizationId]);
    await page.locator(".live-responses-table").getByText(tenant.organizationId).waitFor();
    expect(complaints).toEqual([]);
    expect(elsewhere).toEqual([]);
    await page.close();
  });
});
