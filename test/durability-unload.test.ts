import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import {
  CHECK_VIOLATION,
  DISK_FULL,
  type InsertFault,
  installInsertFault,
} from "./support/insert-fault.ts";
import { Oracle } from "./support/oracle.ts";
import { APPEND } from "./support/postgres-proxy.ts";
import { type ProxiedNode, startProxiedNode } from "./support/proxied-node.ts";
import { faultsInDatabase, replay, TEXT } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { openTypist } from "./support/typist.ts";
import { until } from "./support/until.ts";

const DURABLE_MS = 10_000;

let database: TestDatabase;
let tenant: Tenant;
let server: ProxiedNode;
let fault: InsertFault;
const random = createRandom();

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database.sql);
  fault = await installInsertFault(database.sql);
});
beforeEach(async () => {
  server = await startProxiedNode(database);
});
afterEach(() => server.close());
afterAll(() => database.close());

type Failure = {
  readonly name: string;
  /** Lets the next store fail. */
  readonly arrange: () => Promise<void>;
  /** Whether it has come so far that the last client may leave. */
  readonly reached: () => boolean | Promise<boolean>;
  readonly fail: () => void;
};

const stoppedAt = (point: "before" | "half-way" | "reply"): Omit<Failure, "name"> => ({
  arrange: async () => server.proxy.stop(point, APPEND),
  reached: () => server.proxy.stopped === 1,
  fail: () => server.proxy.cut(),
});

const refused = (code: string): Omit<Failure, "name"> => ({
  arrange: () => fault.refuse(1, code),
  reached: async () => (await fault.attempts()) > 0,
  fail: () => {},
});

const FAILURES: readonly Failure[] = [
  { name: "finds the disk full", ...refused(DISK_FULL) },
  { name: "is refused by PostgreSQL", ...refused(CHECK_VIOLATION) },
  { name: "loses its connection before it is sent", ...stoppedAt("before") },
  { name: "loses its connection half-way", ...stoppedAt("half-way") },
  { name: "commits, and the reply is lost", ...stoppedAt("reply") },
];

test.each(FAILURES)(
  "[L1 L7 T10] the store $name just after the last client left: durable without another edit",
  async ({ arrange, reached, fail }) => {
    const oracle = new Oracle();
    const { documentId } = await tenant.document();
    const { documents } = server.node.collaboration;
    const { url } = server;
    const typist = await openTypist({ url, documentId, token: tenant.token, oracle, random });
    await arrange();
    typist.edit();
    typist.edit();
    await Promise.all([typist.destroy(), until(reached, { describe: "the store has begun" })]);
    const failedAtMs = performance.now();
    fail();
    const unloaded = () => documents.getDocumentsCount() === 0;
    await until(unloaded, { timeoutMs: DURABLE_MS, describe: "the document is unloaded" });
    expect(performance.now() - failedAtMs).toBeLessThan(DURABLE_MS);
    const stored = await replay(database.sql, documentId);
    expect(
      stored
        .getText(TEXT)
        .toJSON()
        .match(/<\d+\.\d+>/gu),
    ).toHaveLength(2);
    expect(await faultsInDatabase(database.sql, oracle)).toEqual([]);
    expect([server.node.updateLog.backlogBytes, server.node.updateLog.openDocuments]).toEqual([
      0, 0,
    ]);
  },
);
