import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import * as Y from "yjs";
import { createCollaboration } from "../client/index.ts";
import { compactDocument } from "../persistence/compaction.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { appendBatch } from "./support/log-rows.ts";
import { Oracle } from "./support/oracle.ts";
import { APPEND } from "./support/postgres-proxy.ts";
import { type ProxiedNode, startProxiedNode } from "./support/proxied-node.ts";
import { faultsInDatabase, TEXT } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { openTypist } from "./support/typist.ts";
import { until } from "./support/until.ts";

/** How long a first commit is held. */
const HOLD_MS = sized(1000, 5000);

const ROUNDS = sized(2, 50);

let database: TestDatabase;
let tenant: Tenant;
let server: ProxiedNode;
let oracle: Oracle;
let documentId: string;
const random = createRandom();

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database.sql);
});
beforeEach(async () => {
  server = await startProxiedNode(database);
  oracle = new Oracle();
  ({ documentId } = await tenant.document());
});
afterEach(() => server.close());
afterAll(() => database.close());

const connect = () =>
  openTypist({ url: server.url, documentId, token: tenant.token, oracle, random });

test.each(["before", "reply"] as const)(
  "[L1 T4] the same update sent again is not acknowledged while its first commit is held (%s)",
  async (point) => {
    const { proxy } = server;
    const [author, other] = [await connect(), await connect()];
    author.edit();
    await until(() => author.unacknowledged === 0);
    proxy.stop(point, APPEND);
    const update = author.edit();
    await until(() => proxy.stopped === 1, { describe: "the commit is held" });
    other.resend(update);
    author.resend(update);
    // Comes with the update already: it is in the SyncStep2 and changes nothing at the server.
    const document = new Y.Doc();
    Y.applyUpdate(document, update);
    const { url } = server;
    const bringer = createCollaboration({ url, documentId, token: tenant.token, document });
    await until(() => bringer.status === "saving", { describe: "the bringer is synced" });
    await delay(HOLD_MS);
    expect(oracle.acknowledged).toBe(1);
    expect([author.acknowledgements, other.acknowledgements]).toEqual([1, 0]);
    expect(bringer.status).toBe("saving");

    await proxy.release();
    await bringer.saved();
    await until(() => author.unacknowledged === 0 && other.unacknowledged === 0);
    expect([author.acknowledgements, other.acknowledgements]).toEqual([3, 1]);
    expect(await faultsInDatabase(database.sql, oracle)).toEqual([]);
    await Promise.all([author.destroy(), other.destroy(), bringer.close()]);
  },
);

const compact = async (): Promise<void> => {
  const { outcome } = await compactDocument(
    database.sql,
    { documentId, part: "content" },
    { versions: { minIntervalMs: 0 } },
  );
  expect(outcome).toBe("compacted");
};

let tokens = 0;

/** Another node commits something to the same document. */
const appendElsewhere = async (): Promise<void> => {
  tokens += 1;
  const edit = { kind: "insert", token: `<0.${tokens}>` } as const;
  const doc = new Y.Doc();
  doc.getText(TEXT).insert(0, edit.token);
  const author = { userId: tenant.userId, agentId: null };
  const row = { update: Y.encodeStateAsUpdate(doc), author, newClients: [doc.clientID] };
  const address = { documentId, part: "content" } as const;
  const batch = { ...address, batchId: randomUUID(), knownHeadSeq: 0, rows: [row] };
  oracle.sent(documentId, edit);
  await appendBatch(database.sql, batch);
  oracle.saved(documentId, edit);
};

/** What may happen between a COMMIT and the retry that does not know of it. */
const MEANWHILE: readonly { name: string; happens: () => Promise<void> }[] = [
  { name: "nothing", happens: async () => {} },
  { name: "a compaction", happens: compact },
  { name: "another writer", happens: appendElsewhere },
  {
    name: "another writer and a compaction",
    happens: async () => {
      await appendElsewhere();
      await compact();
    },
  },
  {
    name: "an outage",
    happens: async () => {
      await server.proxy.refuse();
      await delay(200);
      await server.proxy.release();
    },
  },
];

test.each(MEANWHILE)(
  "[L4 L5 T6] COMMIT sent and the connection cut before the reply: one copy ($name meanwhile)",
  async ({ happens }) => {
    const { proxy } = server;
    const typist = await connect();
    for (let round = 0; round < ROUNDS; round += 1) {
      proxy.stop("reply", APPEND);
      typist.edit();
      typist.edit();
      await until(() => proxy.stopped === 1, { describe: "the commit's reply is held" });
      // These go with the next batch, whose place in the log must follow.
      typist.edit();
      await happens();
      proxy.cut();
      await until(() => typist.unacknowledged === 0, { describe: "acknowledged after the retry" });
      expect(await faultsInDatabase(database.sql, oracle)).toEqual([]);
    }
    expect(oracle.acknowledged).toBeGreaterThanOrEqual(ROUNDS * 3);
    expect(typist.closeCode).toBeNull();
    await typist.destroy();
  },
);

test("[L5 T6] the reply to the retry's own COMMIT is lost too: one copy", async () => {
  const { proxy } = server;
  const typist = await connect();
  for (let round = 0; round < ROUNDS; round += 1) {
    proxy.stop("before", APPEND);
    typist.edit();
    await until(() => proxy.stopped === 1, { describe: "the first attempt is stopped" });
    proxy.cut();
    proxy.stop("reply", "commit");
    await until(() => proxy.stopped === 1, { describe: "the retry has committed" });
    proxy.cut();
    await until(() => typist.unacknowledged === 0, { describe: "acknowledged after the retry" });
    expect(await faultsInDatabase(database.sql, oracle)).toEqual([]);
  }
  await typist.destroy();
});
