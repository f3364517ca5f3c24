import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCollaboration } from "../client/index.ts";
import { notesOf, writeNote } from "./support/notes.ts";
import { Oracle } from "./support/oracle.ts";
import { type OwnPostgres, startOwnPostgres } from "./support/own-postgres.ts";
import { differences, faultsInDatabase, replay, TEXT } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { useServers } from "./support/servers.ts";
import { sized } from "./support/size.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { openTypist, typeSteadily } from "./support/typist.ts";
import { until } from "./support/until.ts";

const KILLS = sized(2, 20);
const OUTAGE_MS = sized(700, 5000);
const RESUME_MS = 5000;

let postgres: OwnPostgres;
let tenant: Tenant;
const random = createRandom();
const startServer = useServers();

beforeAll(async () => {
  postgres = await startOwnPostgres();
  tenant = await createTenant(postgres.database.sql);
});
afterAll(() => postgres.close());

const openTypists = async (url: string, documentIds: readonly string[], oracle: Oracle) =>
  Promise.all(
    documentIds.flatMap((documentId) => {
      const options = { url, documentId, token: tenant.token, oracle, random };
      return [openTypist(options), openTypist(options)];
    }),
  );

test("[L1 L7 T5] kill -9 of PostgreSQL: nothing acknowledged meanwhile, resumed within 5 s, no reload", async () => {
  const oracle = new Oracle();
  const made = await Promise.all([tenant.document(), tenant.document()]);
  const documentIds = made.map(({ documentId }) => documentId);
  const [documentId = ""] = documentIds;
  const server = await startServer({ env: postgres.env });
  const { url } = server;
  const typists = await openTypists(url, documentIds, oracle);
  const reader = createCollaboration({ url, documentId, token: tenant.token });
  await until(() => reader.status === "saved");
  const statuses = new Set<string>();
  reader.on("status", (status) => statuses.add(status));
  const stopTyping = typeSteadily(typists, { perSecond: 100, random });

  for (let kill = 0; kill < KILLS; kill += 1) {
    await delay(random() * 500);
    await postgres.kill();
    const acknowledged = oracle.acknowledged;
    writeNote(reader.document, "x");
    await delay(OUTAGE_MS);
    expect(oracle.acknowledged, "acknowledged while PostgreSQL is gone").toBe(acknowledged);
    expect(reader.status).toBe("saving");
    const owed = typists.map((typist) => typist.acknowledgements + typist.unacknowledged);
    expect(owed.reduce((sum, each) => sum + each)).toBeGreaterThan(acknowledged);
    await postgres.restart();
    const caughtUp = () => typists.every((each, at) => each.acknowledgements >= (owed[at] ?? 0));
    await until(caughtUp, { timeoutMs: RESUME_MS, describe: "acknowledgements resume" });
  }

  stopTyping();
  await until(() => typists.every(({ unacknowledged }) => unacknowledged === 0));
  await reader.saved();
  expect(typists.map(({ closeCode }) => closeCode)).toEqual(typists.map(() => null));
  expect([...statuses].toSorted()).toEqual(["saved", "saving"]);
  const stored = await replay(postgres.database.sql, documentId);
  await until(() => differences([stored, reader.document]).length === 0);
  expect(notesOf(stored).length).toBe(KILLS);
  expect(stored.getText(TEXT).length).toBeGreaterThan(0);
  await Promise.all([reader.close(), ...typists.map((typist) => typist.destroy())]);
  await server.end("SIGKILL");
  expect(await faultsInDatabase(postgres.database.sql, oracle)).toEqual([]);
});
