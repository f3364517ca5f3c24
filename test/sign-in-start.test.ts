import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiClient } from "../client/api.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { useServers } from "./support/servers.ts";
import { until } from "./support/until.ts";

let database: TestDatabase;
const startServer = useServers();

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const LINK = /(http:\S+)\/sign-in#(\S+)/u;

test("the first start prints a link that signs the demo's admin in, and how to get another; later ones none", async () => {
  const first = await startServer({ env: database.env });
  await until(() => LINK.test(first.output()));
  const [, url = "", link = ""] = LINK.exec(first.output()) ?? [];
  expect(url).toBe(`http://127.0.0.1:${first.port}`);
  expect(first.output()).toContain("npm run admin -- user link demo@example.com");
  const { token } = (
    await createApiClient({ url, token: () => null }).createSession({ body: { link } })
  ).body;
  const client = createApiClient({ url, token: () => token });
  expect((await client.getMe()).body.user.email).toBe("demo@example.com");
  const { organizations } = (await client.listOrganizations()).body;
  expect(organizations).toMatchObject([
    { slug: "demo", rights: expect.arrayContaining(["manage"]) },
  ]);
  await first.end("SIGTERM");

  const second = await startServer({ env: database.env });
  await until(() => second.output().includes("is ready on"));
  expect(second.output()).not.toMatch(LINK);
});

test("the sweep forgets what is over", async () => {
  const hash = createHash("sha256").update("x").digest();
  await database.sql`
    insert into idempotency_keys (holder_id, key, request_hash, created_at)
    values (gen_random_uuid(), 'over', ${hash}, now() - interval '25 hours'),
           (gen_random_uuid(), 'kept', ${hash}, now() - interval '23 hours')`;
  await startServer({ env: { ...database.env, SWEEP_EVERY_MS: "100" } });
  const keys = async () =>
    (await database.sql<{ key: string }[]>`select key from idempotency_keys`).map(({ key }) => key);
  await until(async () => (await keys()).length === 1);
  expect(await keys()).toEqual(["kept"]);
});
