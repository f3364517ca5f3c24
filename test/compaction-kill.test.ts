import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { firstText } from "../bench/content.ts";
import { compactDocument } from "../persistence/compaction.ts";
import { loadDocument } from "../persistence/load-document.ts";
import { difference } from "../persistence/proof.ts";
import { startCompactor } from "./support/compactor-process.ts";
import {
  appendRows,
  countRows,
  keystrokeRows,
  keystrokeText,
  readHead,
  replayRows,
} from "./support/log-rows.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";
import { useTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

const { database, tenant } = await useTenant();
const random = createRandom();

const STATEMENTS = ["delete", "history", "snapshot", "version", "commit"] as const;

/** Rows in the document that is compacted: more than one chunk of history. */
const ROWS = 1200;
const updates = keystrokeRows(ROWS + 10);

type Address = { documentId: string; part: "content" };

async function fullDocument(): Promise<Address> {
  const { documentId } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  await appendRows(database.sql, address, updates.slice(0, ROWS));
  return address;
}

async function historyAndVersions({
  documentId,
}: Address): Promise<{ history: number; versions: number }> {
  const [row] = await database.sql<{ history: number; versions: number }[]>`
    select (select coalesce(sum(update_count), 0)::int from yjs_history where document_id = ${documentId}) as history,
           (select count(*)::int from document_versions where document_id = ${documentId}) as versions`;
  return row ?? { history: -1, versions: -1 };
}

/** Either everything is as before, or everything as after; then the work is finished by a second run. */
async function expectWhole(address: Address, expected: "old" | "new"): Promise<void> {
  const state = {
    ...(await readHead(database.sql, address)),
    ...(await historyAndVersions(address)),
    rows: await countRows(database.sql, address),
  };
  const common = { head: ROWS, quarantined: null, projected: 0 };
  const old = { ...common, state: 0, rows: ROWS, history: 0, versions: 0 };
  const done = { ...common, state: ROWS, rows: 0, history: ROWS, versions: 1 };
  expect(state).toEqual(expected === "old" ? old : done);
  // Writers are not stopped by what the dead one left.
  await appendRows(database.sql, address, updates.slice(ROWS));
  const again = await compactDocument(database.sql, address, { versions: { minIntervalMs: 0 } });
  expect(again).toMatchObject({
    outcome: "compacted",
    rows: expected === "old" ? ROWS + 10 : 10,
    version: expected === "old" ? 1 : 2,
  });
  const doc = new Y.Doc();
  await loadDocument(database.sql, address, doc);
  expect(firstText(doc).toString()).toBe(keystrokeText(ROWS + 10));
  expect(difference(doc, await replayRows(database.sql, address))).toBeNull();
}

test.each(STATEMENTS)(
  "[C4 T17] a connection cut before %s leaves the old state, and a second run finishes",
  async (statement) => {
    const address = await fullDocument();
    const sql = database.database.connect({ maxConnections: 1 });
    const [backend] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
    const cut = async (name: string): Promise<void> => {
      if (name !== statement) return;
      await database.sql`select pg_terminate_backend(${backend?.pid ?? 0}, 5000)`;
    };
    const options = { versions: { minIntervalMs: 0 }, atStatement: cut };
    await expect(compactDocument(sql, address, options)).rejects.toThrow();
    await sql.end({ timeout: 1 });
    await expectWhole(address, "old");
  },
);

test("[C4 T17] a compactor killed -9 at any statement leaves the old state or the new", async () => {
  const kills = sized(3, 50);
  // Every place in turn from a random one on, so that fifty kills meet each of them eight times.
  const places = [...STATEMENTS, "after"];
  const first = Math.floor(random() * places.length);
  for (let kill = 0; kill < kills; kill += 1) {
    const killAt = places[(first + kill) % places.length] ?? "after";
    const address = await fullDocument();
    const compactor = await startCompactor(database);
    expect(await compactor.compact({ ...address, killAt })).toBe("killed");
    await compactor.close();
    await untilBackendIsGone();
    await expectWhole(address, killAt === "after" ? "new" : "old");
  }
});

test("[C4 T17] a compactor killed -9 at a random moment leaves the old state or the new", async () => {
  const kills = sized(2, 50);
  for (let kill = 0; kill < kills; kill += 1) {
    const address = await fullDocument();
    const compactor = await startCompactor(database);
    const result = compactor.compact(address);
    await delay(random() * 120);
    compactor.kill();
    await result;
    await compactor.close();
    await untilBackendIsGone();
    const { state } = await readHead(database.sql, address);
    await expectWhole(address, state === 0 ? "old" : "new");
  }
});

/** PostgreSQL notices a dead client when it reads from it next: a COMMIT that was sent may still be running. */
const untilBackendIsGone = (): Promise<void> =>
  until(async () => {
    const left = await database.sql`
      select 1 from pg_stat_activity
      where application_name = 'scriptorium-test-compactor' and datname = current_database()`;
    return left.length === 0;
  });
