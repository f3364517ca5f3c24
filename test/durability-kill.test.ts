import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCollaboration } from "../client/index.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { Oracle } from "./support/oracle.ts";
import { differences, faultsInDatabase, replay, untilServerForgotten } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { useServers } from "./support/servers.ts";
import { sized } from "./support/size.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { openTypist, typeSteadily } from "./support/typist.ts";
import { until } from "./support/until.ts";

const KILLS = sized(4, 200);
const DOCUMENTS = sized(3, 10);
const CLIENTS = sized(12, 50);
const EDITS_PER_SECOND = sized(300, 1000);

let database: TestDatabase;
let tenant: Tenant;
let documentIds: string[];
const random = createRandom();
const startServer = useServers();
const oracle = new Oracle();

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database.sql);
  const made = Array.from({ length: DOCUMENTS }, () => tenant.document());
  documentIds = (await Promise.all(made)).map(({ documentId }) => documentId);
});
afterAll(() => database.close());

const documentOf = (client: number): string => documentIds[client % DOCUMENTS] ?? "";

const openTypists = (url: string) =>
  Promise.all(
    Array.from({ length: CLIENTS }, (_, client) =>
      openTypist({ url, documentId: documentOf(client), token: tenant.token, oracle, random }),
    ),
  );

test("[L1 L4 T1] kill -9 at random moments under load loses no acknowledged edit", async () => {
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const server = await startServer({ env: database.env });
    const typists = await openTypists(server.url);
    const before = oracle.acknowledged;
    const stopTyping = typeSteadily(typists, { perSecond: EDITS_PER_SECOND, random });
    await until(() => oracle.acknowledged > before, {
      timeoutMs: 30_000,
      describe: "the first acknowledgement",
    }).catch((cause: unknown) => {
      throw new Error(`kill ${kill}: the server said ${server.output()}`, { cause });
    });
    await delay(random() * 1000);
    await server.end("SIGKILL");
    stopTyping();
    await Promise.all(typists.map((typist) => typist.destroy()));
    await untilServerForgotten(database.sql);
    expect(await faultsInDatabase(database.sql, oracle), `kill ${kill}`).toEqual([]);
  }
  expect(oracle.acknowledged).toBeGreaterThan(KILLS * 10);
});

test("[L1 L3 T1] after the kills everybody sees the same, and it is what PostgreSQL holds", async () => {
  const server = await startServer({ env: database.env });
  const documentId = documentOf(0);
  const { url } = server;
  const readers = [1, 2, 3].map(() =>
    createCollaboration({ url, documentId, token: tenant.token }),
  );
  const typists = await openTypists(url);
  const stopTyping = typeSteadily(typists, { perSecond: EDITS_PER_SECOND, random });
  await delay(500);
  stopTyping();
  await until(() => typists.every(({ unacknowledged }) => unacknowledged === 0));
  await Promise.all(readers.map((reader) => reader.saved()));
  const stored = await replay(database.sql, documentId);
  const docs = [stored, ...readers.map(({ document }) => document)];
  // The last broadcast may still be on its way.
  await until(() => differences(docs).length === 0).catch(() => {});
  expect(differences(docs)).toEqual([]);
  expect(await faultsInDatabase(database.sql, oracle)).toEqual([]);
  await Promise.all([
    ...readers.map((reader) => reader.close()),
    ...typists.map((t) => t.destroy()),
  ]);
  expect(await server.end("SIGTERM")).toBe(0);
});
