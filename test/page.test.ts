import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mountPage } from "../server/page.ts";
import { openDoor, type Door } from "./support/api-door.ts";
import { startRest, type Rest } from "./support/rest.ts";

const BUILT = "editor/dist/assets";

describe("the built page", () => {
  let rest: Rest;
  let door: Door;
  let scripts: string[];

  beforeAll(async () => {
    rest = await startRest();
    door = openDoor(rest.node.port);
    scripts = (await readdir(BUILT)).filter((name) => name.endsWith(".js"));
  });
  afterAll(async () => {
    door.close();
    await rest.close();
  });

  test.each(["/", "/sign-in", "/documents/4f6c1de2-0c3a-4b1e-9c0e-2f6a1f0f7a11", "/documents/x"])(
    "is at %s, never kept unasked, under a strict policy",
    async (path) => {
      const answer = await rest.fetch(path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(answer.headers.get("cache-control")).toBe("no-cache");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
      expect(answer.headers.get("cross-origin-opener-policy")).toBe("same-origin");
      const policy = answer.headers.get("content-security-policy") ?? "";
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/u);
      expect(policy).not.toMatch(/unsafe|\*/u);
      expect(policy).toContain("frame-ancestors 'none'");
    },
  );

  test("refers only to files of its own, which are served with their types and kept for ever", async () => {
    const html = await (await rest.fetch("/")).text();
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=/u);
    const references = [...html.matchAll(/(?:src|href)="(?<path>[^"]+)"/gu)].map(
      ({ groups }) => groups?.["path"] ?? "",
    );
    expect(references.length).toBeGreaterThanOrEqual(3);
    for (const path of references) {
      const answer = await rest.fetch(path);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(answer.headers.get("content-type")).toMatch(
        /^(?:text\/(?:javascript|css)|image\/svg)/u,
      );
    }
  });

  test("a script comes compressed to who takes it so, and is the same", async () => {
    const path = `/assets/${scripts.find((name) => name.startsWith("document-page")) ?? ""}`;
    const packed = await rest.fetch(path, { headers: { "accept-encoding": "br" } });
    const plain = await door.send({ method: "GET", path });
    expect(packed.headers.get("content-encoding")).toBe("br");
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect(plain.headers["vary"]).toBe("accept-encoding");
    expect(await packed.text()).toBe(plain.text);
  });

  test("HEAD answers what GET would, without the body", async () => {
    const answer = await rest.fetch("/", { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    expect(answer.headers.get("content-security-policy")).not.toBeNull();
  });

  test.each([
    "/assets/../index.html",
    "/assets/..%2f..%2fpackage.json",
    "/assets/%2e%2e%2fpage.ts",
    "/assets/..\\page.ts",
    "/assets/..%5cpage.ts",
    "/assets//etc/passwd",
    "/assets/%2fetc%2fpasswd",
    "/assets/%00.js",
    "/assets/%ff.js",
    "/assets/%",
    "/assets/__proto__",
    "/assets/constructor.js",
    "/assets/",
    "/editor/main.ts",
    "/../package.json",
  ])("no path leads elsewhere: %s", async (path) => {
    // 400 where the path is not even one.
    expect([404, 400]).toContain((await door.send({ method: "GET", path })).status);
  });

  test("no table, no statement and nothing of Node is in the scripts", async () => {
    expect(scripts.length).toBeGreaterThan(2);
    for (const name of scripts) {
      const text = await readFile(join(BUILT, name), "utf8");
      expect(text).not.toMatch(
        /drizzle|pgTable|postgres\(|node:(?:fs|crypto|http)|process\.env\./u,
      );
    }
  });
});

describe("a page that is not built", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "scriptorium-page-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("says how to build it, and is there when it was", async () => {
    const app = new Hono();
    mountPage(app, pathToFileURL(`${folder}/dist/`));
    const before = await app.request("/");
    expect(before.status).toBe(503);
    expect(await before.text()).toContain("npm run build");
    expect((await app.request("/assets/a.js")).status).toBe(404);

    await mkdir(join(folder, "dist/assets"), { recursive: true });
    await writeFile(join(folder, "dist/assets/a.js"), "1;");
    await writeFile(join(folder, "dist/index.html"), "<!doctype html>");
    expect(await (await app.request("/")).text()).toBe("<!doctype html>");
    expect(await (await app.request("/assets/a.js")).text()).toBe("1;");
  });
});
