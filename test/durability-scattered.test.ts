import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { CHECK_VIOLATION, DISK_FULL, installInsertFault } from "./support/insert-fault.ts";
import { Oracle } from "./support/oracle.ts";
import { faultsInDatabase, untilServerForgotten } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { useServers } from "./support/servers.ts";
import { sized } from "./support/size.ts";
import { useTenant } from "./support/tenant.ts";
import { openTypist, typeSteadily } from "./support/typist.ts";
import { until } from "./support/until.ts";

/** Of a hundred INSERTs; the catalogue's 1 would be met a few times only in a short run. */
const PERCENT = sized(10, 1);
const MS = sized(2000, 120_000);
const DOCUMENTS = sized(4, 20);
const PER_SECOND = sized(400, 1000);

const { database, tenant } = await useTenant();
const fault = await installInsertFault(database.sql);
const random = createRandom();
const startServer = useServers();

test.each([
  ["53100: could not", DISK_FULL],
  ["23514: would not", CHECK_VIOLATION],
])(
  "[L1 L7 T8] INSERTs fail at random with %s: nothing lost, nothing acknowledged early",
  async (_, code) => {
    const oracle = new Oracle();
    const server = await startServer({ env: { ...database.env, LOG_LEVEL: "fatal" } });
    const made = await Promise.all(Array.from({ length: DOCUMENTS }, () => tenant.document()));
    const typists = await Promise.all(
      made.flatMap(({ documentId }) => {
        const options = { url: server.url, documentId, token: tenant.token, oracle, random };
        return [openTypist(options), openTypist(options)];
      }),
    );
    await fault.refuseShare(PERCENT, code);
    const stopTyping = typeSteadily(typists, { perSecond: PER_SECOND, random });
    await delay(MS / 2);
    // In between everything is committed, although a share of the attempts goes on failing.
    stopTyping();
    await until(() => typists.every(({ unacknowledged }) => unacknowledged === 0), {
      timeoutMs: 30_000,
    });
    expect(typists.map(({ closeCode }) => closeCode)).toEqual(typists.map(() => null));
    const acknowledged = oracle.acknowledged;
    const stopAgain = typeSteadily(typists, { perSecond: PER_SECOND, random });
    await delay(MS / 2);
    expect(oracle.acknowledged).toBeGreaterThan(acknowledged);
    expect(await fault.attempts()).toBeGreaterThan(100 / PERCENT);

    // What was acknowledged by this moment must be there, whatever the server still had to try again.
    await server.end("SIGKILL");
    stopAgain();
    await Promise.all(typists.map((typist) => typist.destroy()));
    await fault.refuse(0, code);
    await untilServerForgotten(database.sql);
    expect(await faultsInDatabase(database.sql, oracle)).toEqual([]);
  },
);
