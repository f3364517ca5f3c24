import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askAdmin } from "./support/admin-process.ts";
import { startServerProcess } from "./support/server-process.ts";

let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "scriptorium-admin-"));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

test("on the embedded database the script works alone, beside a running server, and alone again", async () => {
  const env = { DATA_DIR: dataDir };
  const early = await askAdmin(["stats"], { env, code: 1 });
  expect(early).toMatchObject({ error: { code: "bad_configuration" } });
  expect(await askAdmin(["migrate"], { env })).toMatchObject({ applied: expect.any(Number) });
  await askAdmin(["seed", "--documents", "2"], { env });
  const server = await startServerProcess({ env });
  const beside = await askAdmin<{ token: string }>(["user", "token", "demo@example.com"], { env });
  expect(beside.token).toMatch(/^[\w-]{43}$/u);
  await askAdmin(["compact", "--all"], { env });
  // The script stopped nothing that the server needs.
  expect((await fetch(`http://127.0.0.1:${server.port}/readyz`)).status).toBe(200);
  expect(await server.end("SIGTERM")).toBe(0);
  const alone = await askAdmin(["verify"], { env });
  expect(alone).toMatchObject({ ok: true, documents: 3 });
  // Beside others the script gives way, and `compact` runs at the lowest priority.
}, 120_000);
