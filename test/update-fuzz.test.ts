import { expect, test } from "vitest";
import { difference } from "../persistence/proof.ts";
import { openAttacker } from "./fuzz/attacker.ts";
import { runFuzz } from "./fuzz/fuzz-run.ts";
import { crasher, crashers } from "./support/crasher.ts";
import { appendRows, replayRows } from "./support/log-rows.ts";
import { signedIn } from "./support/roles.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";
import { until } from "./support/until.ts";
import { useWorld } from "./support/world.ts";

const world = await useWorld();

const UPDATES = sized(600, 1_000_000);

/** Most of them cost a socket: a few hundred a second. */
const TIMEOUT_MS = sized(60_000, 4 * 3_600_000);

test(
  "[L6 T34] mutated updates: accepted means durable and memory is the log, refused means nothing",
  { timeout: TIMEOUT_MS },
  async () => {
    const { node, tenant, database } = world;
    const { token: honest } = await signedIn(database.sql, tenant, { member: "admin" });
    const ground = { sql: database.sql, node, tokens: { attacker: tenant.token, honest } };
    const updatesPerDocument = sized(200, 1000);
    const report = await runFuzz(ground, tenant, {
      seed: Math.floor(createRandom()() * 2 ** 31),
      atOnce: sized(3, 8),
      updatesPerDocument,
      goesOn: ({ sent }) => sent < UPDATES,
    });
    const found = report.crashers.map(({ what, state, update }) => ({
      what,
      state: hex(state),
      update: hex(update),
    }));
    expect(found, "to be kept in test/fuzz/crashers").toEqual([]);
    expect(report.sent).toBeGreaterThanOrEqual(UPDATES);
    // If one of them never happened, the mutations would be of no use.
    expect(report.accepted).toBeGreaterThan(UPDATES / 100);
    expect(report.refused).toBeGreaterThan(UPDATES / 2);
  },
);

const hex = (update: Uint8Array): string => Buffer.from(update).toString("hex");

test.each(crashers())("[L6 T34] what the fuzz target found once: %s", async (found) => {
  const { node, tenant, database } = world;
  const { state, update } = crasher(found);
  const { documentId, name } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  await appendRows(database.sql, address, [state]);
  const attacker = await openAttacker({ url: node.url, name, token: tenant.token });
  const outcome = await attacker.send(update);
  expect(["accepted", 4400, 4413]).toContain(outcome);
  const other = await openAttacker({ url: node.url, name, token: tenant.token });
  const live = node.collaboration.documents.live(name);
  await until(() => live?.log.isDrained === true);
  const replayed = await replayRows(database.sql, address);
  expect(live && difference(live.document, replayed)).toBeNull();
  expect(live?.discarded).toBe(false);
  if (attacker.isOpen) await attacker.close();
  await other.close();
});
