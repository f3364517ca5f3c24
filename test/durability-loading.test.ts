import { setTimeout as delay } from "node:timers/promises";
import { HocuspocusProvider } from "@hocuspocus/provider";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createCollaboration } from "../client/index.ts";
import { documentName } from "../schema/ids.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { notesOf, writeNote } from "./support/notes.ts";
import { Oracle } from "./support/oracle.ts";
import { LOAD } from "./support/postgres-proxy.ts";
import { type ProxiedNode, startProxiedNode } from "./support/proxied-node.ts";
import { differences, faultsInDatabase, replay } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { openTypist } from "./support/typist.ts";
import { until } from "./support/until.ts";

const OUTAGE_MS = sized(2000, 60_000);
const RECOVER_MS = 10_000;

let database: TestDatabase;
let tenant: Tenant;
let server: ProxiedNode;
const random = createRandom();

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database.sql);
});
beforeEach(async () => {
  server = await startProxiedNode(database);
});
afterEach(() => server.close());
afterAll(() => database.close());

/** A document that somebody has written in and that is not in memory. */
async function writtenDocument(oracle: Oracle): Promise<string> {
  const { documentId } = await tenant.document();
  const { token } = tenant;
  const typist = await openTypist({ url: server.url, documentId, token, oracle, random });
  for (let edit = 0; edit < 10; edit += 1) typist.edit();
  await until(() => typist.unacknowledged === 0);
  await typist.destroy();
  await until(() => server.node.collaboration.documents.getDocumentsCount() === 0);
  return documentId;
}

const OUTAGES = [
  { name: "refuses connections", begin: () => server.proxy.refuse() },
  { name: "hangs", begin: async () => server.proxy.hang() },
];

test.each(OUTAGES)(
  "[L3 T12] PostgreSQL $name while a document loads: the clients recover by themselves",
  async ({ begin }) => {
    const oracle = new Oracle();
    const documentId = await writtenDocument(oracle);
    const { url, proxy } = server;
    const { token } = tenant;
    proxy.stop("before", LOAD);
    const ours = createCollaboration({ url, documentId, token });
    const stock = new HocuspocusProvider({ url, token, name: documentName(documentId, "content") });
    await until(() => proxy.stopped > 0, { describe: "the document is being loaded" });
    await begin();
    // Written before it was ever loaded; kept by the client.
    writeNote(ours.document, "ours");
    writeNote(stock.document, "stock");
    await delay(OUTAGE_MS);
    expect([ours.status === "saved", stock.synced]).toEqual([false, false]);

    await proxy.release();
    const recovered = () => ours.status === "saved" && stock.synced;
    await until(recovered, { timeoutMs: RECOVER_MS, describe: "both clients are back" });
    expect(ours.rejection).toBeNull();
    await until(() => differences([ours.document, stock.document]).length === 0);
    await until(() => !stock.hasUnsyncedChanges);
    const stored = await replay(database.sql, documentId);
    expect(differences([stored, ours.document, stock.document])).toEqual([]);
    expect(notesOf(stored).toSorted()).toEqual(["ours", "stock"]);
    expect(await faultsInDatabase(database.sql, oracle)).toEqual([]);
    await ours.close();
    stock.destroy();
  },
);
