import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { Oracle } from "./support/oracle.ts";
import { type PostgresProxy, startPostgresProxy } from "./support/postgres-proxy.ts";
import { faultsInDatabase, untilServerForgotten } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { useServers } from "./support/servers.ts";
import { sized } from "./support/size.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { openTypist, type Typist, typeSteadily } from "./support/typist.ts";
import { until } from "./support/until.ts";

const CUTS = sized(40, 2000);

let database: TestDatabase;
let proxy: PostgresProxy;
let tenant: Tenant;
const random = createRandom();
const startServer = useServers();

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startPostgresProxy(database.location);
  tenant = await createTenant(database.sql);
});
afterAll(async () => {
  await proxy.close();
  await database.close();
});

/** Cuts every connection, in one case of four with an outage after it. */
async function cutConnections(): Promise<void> {
  await delay(random() * 150);
  if (random() > 0.25) return proxy.cut();
  await proxy.refuse();
  await delay(random() * 200);
  await proxy.release();
}

/** Opens and leaves documents all the time: their loading and their upkeep are cut too. */
async function visit(open: () => Promise<Typist>, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    const visitor = await open().catch(() => null);
    visitor?.edit();
    await delay(20);
    await visitor?.destroy();
  }
}

test("[L1 L5 L7] connections are cut at random: the server lives, nothing acknowledged is lost", async () => {
  const oracle = new Oracle();
  const made = await Promise.all([tenant.document(), tenant.document(), tenant.document()]);
  const [one = "", other = "", visited = ""] = made.map(({ documentId }) => documentId);
  const server = await startServer({ env: { DATABASE_URL: proxy.url, LOG_LEVEL: "fatal" } });
  const open = (documentId: string) =>
    openTypist({ url: server.url, documentId, token: tenant.token, oracle, random });
  const typists = await Promise.all([one, one, other].map(open));
  const stopTyping = typeSteadily(typists, { perSecond: 200, random });
  const ended = new AbortController();
  const visits = visit(() => open(visited), ended.signal);

  for (let cut = 0; cut < CUTS; cut += 1) {
    await cutConnections();
    expect(server.child.exitCode, `cut ${cut}: ${server.output()}`).toBeNull();
  }
  ended.abort();
  await visits;
  stopTyping();
  await until(() => typists.every(({ unacknowledged }) => unacknowledged === 0), {
    timeoutMs: 5000,
    describe: "everything is acknowledged",
  });
  expect(typists.map(({ closeCode }) => closeCode)).toEqual(typists.map(() => null));
  await server.end("SIGKILL");
  await Promise.all(typists.map((typist) => typist.destroy()));
  await untilServerForgotten(database.sql);
  expect(await faultsInDatabase(database.sql, oracle)).toEqual([]);
});
