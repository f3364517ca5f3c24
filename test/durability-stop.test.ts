import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { Oracle } from "./support/oracle.ts";
import { APPEND, type PostgresProxy, startPostgresProxy } from "./support/postgres-proxy.ts";
import { faultsInDatabase, untilServerForgotten } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { type ServerProcess } from "./support/server-process.ts";
import { useServers } from "./support/servers.ts";
import { sized } from "./support/size.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { openTypist, type Typist, typeSteadily } from "./support/typist.ts";
import { until } from "./support/until.ts";

const STOPS = sized(2, 30);
const STOP_MS = 30_000;

let database: TestDatabase;
let proxy: PostgresProxy;
let tenant: Tenant;
let documentIds: string[];
let oracle: Oracle;
const random = createRandom();
const startServer = useServers();

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database.sql);
});
beforeEach(async () => {
  proxy = await startPostgresProxy(database.location);
  oracle = new Oracle();
  const made = await Promise.all([tenant.document(), tenant.document(), tenant.document()]);
  documentIds = made.map(({ documentId }) => documentId);
});
afterEach(() => proxy.close());
afterAll(() => database.close());

const connect = (url: string, documentId = documentIds[0] ?? "") =>
  openTypist({ url, documentId, token: tenant.token, oracle, random });

const openTypists = (url: string): Promise<Typist[]> =>
  Promise.all([...documentIds, ...documentIds].map((documentId) => connect(url, documentId)));

async function expectStopped(server: ServerProcess, ended: Promise<number | null>): Promise<void> {
  const timeout = delay(STOP_MS, "still running", { ref: false });
  expect(await Promise.race([ended, timeout]), `it wrote ${server.output()}`).toBe(0);
}

/** How each socket was closed, once it is. */
async function closeCodes(typists: readonly Typist[]): Promise<Set<number | null>> {
  await until(() => typists.every(({ closeCode }) => closeCode !== null));
  return new Set(typists.map(({ closeCode }) => closeCode));
}

describe("SIGTERM", () => {
  test("[L1 T11] under load: exit 0, sockets closed with 1012, everything acknowledged is there", async () => {
    for (let stop = 0; stop < STOPS; stop += 1) {
      const server = await startServer({ env: { DATABASE_URL: proxy.url } });
      const typists = await openTypists(server.url);
      const stopTyping = typeSteadily(typists, { perSecond: sized(300, 1000), random });
      await delay(200 + random() * 500);
      await expectStopped(server, server.end("SIGTERM"));
      stopTyping();
      expect(await closeCodes(typists)).toEqual(new Set([1012]));
      await Promise.all(typists.map((typist) => typist.destroy()));
      await untilServerForgotten(database.sql);
      expect(await faultsInDatabase(database.sql, oracle)).toEqual([]);
    }
  });

  test("[L1 T11] commits what it has and acknowledges it, while new sessions are refused", async () => {
    const server = await startServer({ env: { DATABASE_URL: proxy.url } });
    const typists = await openTypists(server.url);
    proxy.stop("before", APPEND);
    for (const typist of typists) typist.edit();
    await until(() => proxy.stopped === 1, { describe: "the commit is held" });
    // A whole sign-in later, what the others sent before it has been read.
    await connect(server.url).then((typist) => typist.destroy());
    const ended = server.end("SIGTERM");
    const ready = `http://127.0.0.1:${server.port}/readyz`;
    await until(async () => (await fetch(ready)).status === 503, { describe: "it is stopping" });
    await expect(connect(server.url)).rejects.toThrow("503");
    expect(oracle.acknowledged).toBe(0);

    await proxy.release();
    await expectStopped(server, ended);
    expect(await closeCodes(typists)).toEqual(new Set([1012]));
    expect(typists.map(({ unacknowledged }) => unacknowledged)).toEqual(typists.map(() => 0));
    await Promise.all(typists.map((typist) => typist.destroy()));
    await untilServerForgotten(database.sql);
    expect(await faultsInDatabase(database.sql, oracle)).toEqual([]);
  });

  test("[L1 L7 T11] with PostgreSQL hanging: exit within 30 s, everything acknowledged is there", async () => {
    const server = await startServer({ env: { DATABASE_URL: proxy.url } });
    const typists = await openTypists(server.url);
    const stopTyping = typeSteadily(typists, { perSecond: 300, random });
    await until(() => oracle.acknowledged > 50);
    proxy.hang();
    await delay(300);
    await expectStopped(server, server.end("SIGTERM"));
    stopTyping();
    expect(await closeCodes(typists)).toEqual(new Set([1012]));
    await Promise.all(typists.map((typist) => typist.destroy()));
    proxy.cut();
    await untilServerForgotten(database.sql);
    expect(await faultsInDatabase(database.sql, oracle)).toEqual([]);
  });
});
