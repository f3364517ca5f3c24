import { afterAll, beforeAll, expect, test } from "vitest";
import { closeCommitGate, installCommitGate, lockHeadRow } from "./support/commit-gate.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { Oracle } from "./support/oracle.ts";
import { APPEND, type PostgresProxy, startPostgresProxy } from "./support/postgres-proxy.ts";
import { faultsInDatabase, replay, TEXT, untilServerForgotten } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { useServers } from "./support/servers.ts";
import { sized } from "./support/size.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { openTypist, type Typist } from "./support/typist.ts";
import { until } from "./support/until.ts";

const KILLS = sized(1, 50);
const EDITS = 20;

let database: TestDatabase;
let proxy: PostgresProxy;
let tenant: Tenant;
const random = createRandom();
const startServer = useServers();

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startPostgresProxy(database.location);
  tenant = await createTenant(database.sql);
  await installCommitGate(database.sql);
});
afterAll(async () => {
  await proxy.close();
  await database.close();
});

/** A commit that is held in one phase: whether it got there, and how to let go of it when the server is dead. */
type Held = { reached(): Promise<boolean> | boolean; release(): Promise<void> };

const heldByProxy = (point: "before" | "half-way" | "reply") => async (): Promise<Held> => {
  proxy.stop(point, APPEND);
  return { reached: () => proxy.stopped > 0, release: async () => proxy.cut() };
};

/** After the kill, in a session that PostgreSQL has not yet given up, what waits may still be committed: both are right. */
const heldByLock =
  (hold: (documentId: string) => ReturnType<typeof lockHeadRow>) =>
  async (documentId: string): Promise<Held> => {
    const gate = await hold(documentId);
    return { reached: async () => (await gate.waiting()) > 0, release: () => gate.open() };
  };

type Phase = {
  readonly name: string;
  readonly hold: (documentId: string) => Promise<Held>;
  /** Whether what was held is in the database afterwards; null where both are right. */
  readonly committed: boolean | null;
};

const PHASES: readonly Phase[] = [
  { name: "before the statement is sent", hold: heldByProxy("before"), committed: false },
  { name: "while the statement is sent", hold: heldByProxy("half-way"), committed: false },
  {
    name: "within the statement",
    hold: heldByLock((documentId) => lockHeadRow(database.sql, documentId)),
    committed: null,
  },
  {
    name: "before COMMIT",
    hold: heldByLock(() => closeCommitGate(database.sql)),
    committed: null,
  },
  {
    name: "after COMMIT, before the acknowledgement",
    hold: heldByProxy("reply"),
    committed: true,
  },
];

async function lengthInDatabase(documentId: string): Promise<number> {
  const doc = await replay(database.sql, documentId);
  const { length } = doc.getText(TEXT);
  doc.destroy();
  return length;
}

const untilAcknowledged = (typists: readonly Typist[]): Promise<void> =>
  until(() => typists.every(({ unacknowledged }) => unacknowledged === 0), {
    describe: "everything is acknowledged",
  });

test.each(PHASES)("[L1 L4 T2] kill -9 $name", async ({ hold, committed }) => {
  const oracle = new Oracle();
  const { documentId } = await tenant.document();
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const server = await startServer({ env: { DATABASE_URL: proxy.url } });
    const options = { url: server.url, documentId, token: tenant.token, oracle, random };
    const typists = await Promise.all([openTypist(options), openTypist(options)]);
    const editAll = (): void => typists.forEach((typist) => typist.edit());
    for (let edit = 0; edit < EDITS; edit += 1) editAll();
    await untilAcknowledged(typists);
    const [lengthBefore, acknowledgedBefore] = [
      await lengthInDatabase(documentId),
      oracle.acknowledged,
    ];

    const held = await hold(documentId);
    // The edit after the twentieth is an insertion: whether it is there can be seen by the length.
    editAll();
    await until(() => held.reached(), { describe: "the commit is held" });
    expect(oracle.acknowledged, "acknowledged while the commit is held").toBe(acknowledgedBefore);
    await server.end("SIGKILL");
    await Promise.all(typists.map((typist) => typist.destroy()));
    await held.release();
    await untilServerForgotten(database.sql);

    expect(oracle.acknowledged, "acknowledged by a killed server").toBe(acknowledgedBefore);
    expect(await faultsInDatabase(database.sql, oracle), `kill ${kill}`).toEqual([]);
    if (committed === null) continue;
    expect((await lengthInDatabase(documentId)) > lengthBefore).toBe(committed);
  }
});
