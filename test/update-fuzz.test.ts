import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { difference } from "../persistence/proof.ts";
import { openAttacker } from "./fuzz/attacker.ts";
import { runFuzz } from "./fuzz/fuzz-run.ts";
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

const CRASHERS = new URL("fuzz/crashers/", import.meta.url);
const hex = (update: Uint8Array): string => Buffer.from(update).toString("hex");
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

test.each(readdirSync(CRASHERS))("[L6 T34] what the fuzz target found once: %s", async (file) => {
  const { node, tenant, database } = world;
  const found = JSON.parse(readFileSync(new URL(file, CRASHERS), "utf8")) as {
    state: string;
    update: string;
  };
  const { documentId, name } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  await appendRows(database.sql, address, [bytes(found.state)]);
  const attacker = await openAttacker({ url: node.url, name, token: tenant.token });
  const outcome = await attacker.send(bytes(found.update));
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
