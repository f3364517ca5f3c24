import { beforeAll, describe, expect, test } from "vitest";
import { openDoor, type Door, type DoorRequest } from "./support/api-door.ts";
import { describeInBrowser } from "./support/browser.ts";
import { useRest } from "./support/rest.ts";

const { rest, tenant } = await useRest();
const { documentId } = await tenant.document();
const headers = { authorization: `Bearer ${tenant.token}` };
const content = `/api/v1/documents/${documentId}/content`;

const ANSWERS: readonly (readonly [what: string, status: number, request: DoorRequest])[] = [
  ["the page", 200, { method: "GET", path: "/" }],
  ["what the API offers", 200, { method: "GET", path: "/api/docs" }],
  ["its description", 200, { method: "GET", path: "/api/v1/openapi.json" }],
  ["content as JSON", 200, { method: "GET", path: content, headers }],
  ["content as HTML", 200, { method: "GET", path: `${content}?format=html`, headers }],
  ["content as Markdown", 200, { method: "GET", path: `${content}?format=markdown`, headers }],
  ["a refusal", 401, { method: "GET", path: content }],
  ["no such route", 404, { method: "GET", path: "/api/v1/nothing", headers }],
  ["no such file", 404, { method: "GET", path: "/assets/nothing.js" }],
  ["no such place", 404, { method: "GET", path: "/<script>alert(1)</script>" }],
  ["another method", 405, { method: "DELETE", path: content, headers }],
  ["liveness", 200, { method: "GET", path: "/healthz" }],
  ["readiness", 200, { method: "GET", path: "/readyz" }],
];

describe("every answer tells a browser", () => {
  let door: Door;
  beforeAll(() => {
    door = openDoor(rest.node.port);
    return () => door.close();
  });

  test.each(ANSWERS)(
    "%s (%i): nothing is guessed, framed, shared or sent on",
    async (_, status, request) => {
      const answer = await door.send(request);
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
      });
      expect(answer.headers["permissions-policy"]).toContain("camera=()");
      expect(answer.headers["cache-control"]).toMatch(/no-store|no-cache/u);
      const policy = answer.headers["content-security-policy"] ?? "";
      expect(policy).toMatch(/^default-src 'none'; .*frame-ancestors 'none'/u);
      expect(policy).not.toMatch(/unsafe|\*/u);
      const isPage = ["/", "/api/docs"].includes(request.path);
      expect(policy.includes("script-src")).toBe(isPage);
      expect(policy.endsWith("; sandbox")).toBe(!isPage);
    },
  );

  test("content as text is a file, not a page", async () => {
    for (const format of ["html", "markdown"]) {
      const answer = await door.send({
        method: "GET",
        path: `${content}?format=${format}`,
        headers,
      });
      expect(answer.headers["content-disposition"]).toBe("attachment");
    }
  });
});

describeInBrowser("in Chromium", (browser) => {
  test("what is served as HTML beside the page runs nothing", async () => {
    const page = await browser().newPage();
    const dialogs: string[] = [];
    page.on("dialog", (dialog) => {
      dialogs.push(dialog.message());
      dialog.dismiss().catch(() => {});
    });
    // As the server answers, but with a script in it: only the headers stand between it and the reader.
    await page.route(`**${content}?format=html`, async (route) => {
      const answer = await route.fetch({ headers });
      const { "content-disposition": disposition, ...others } = answer.headers();
      expect(disposition).toBe("attachment");
      const body = "<p>words</p><script>alert(1)</script><img src=x onerror=alert(2)>";
      await route.fulfill({ status: 200, headers: others, body });
    });
    await page.goto(`${rest.url}${content}?format=html`);
    await page.getByText("words").waitFor();
    expect(dialogs).toEqual([]);
    await page.close();
  });
});
