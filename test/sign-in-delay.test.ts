import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { askFrom } from "./support/from-address.ts";
import { keyOf, signedIn } from "./support/roles.ts";
import { useServers } from "./support/servers.ts";
import { nightly, sized } from "./support/size.ts";
import { createTenant } from "./support/tenant.ts";
import { floodWith } from "./support/wrong-tokens.ts";

/** In all, and wrong tokens in each round. */
const ROUNDS = sized(3, 10);
const WRONG = sized(2000, 20_000);

/** Each has five connections. */
const ADDRESSES = Array.from({ length: 20 }, (_, index) => `127.0.0.${10 + index}`);

/**
 * How many requests of a connection are on their way at a time, and the delay that is allowed then, ms. The promise is
 * the first. Several at a time bring no more of them a second, but more of them in one turn of the event loop.
 */
const FLOODS: readonly (readonly [ahead: number, delayMs: number])[] = [
  [1, 50],
  [8, 250],
];

let database: TestDatabase;
const startServer = useServers();

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

/** What the server says of itself: how late its event loop was since last asked (99 of 100 samples), its processor time. */
async function figuresOf(port: number): Promise<{ delayMs: number; cpuMs: number }> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = (name: string): number =>
    1000 * Number(new RegExp(`^${name} (\\S+)$`, "mu").exec(text)?.[1]);
  return {
    delayMs: value("nodejs_eventloop_delay_p99_seconds"),
    cpuMs: value("process_cpu_user_seconds_total") + value("process_cpu_system_seconds_total"),
  };
}

/** What is measured depends on whose the machine is; the name says which. */
const MEASURE = nightly
  ? "the event loop's delay stays below %i ms (p99, in most rounds)"
  : "the server's own part of the event loop's delay stays below %i ms (p99, in the best round; by night the delay itself, in most)";

test.each(FLOODS)(
  `[A4 T50] in a flood of wrong tokens, %i at a time, ${MEASURE}, and people go on signing in`,
  { timeout: 240_000 },
  async (ahead, allowedMs) => {
    const from = { addresses: ADDRESSES, ahead };
    const { sql } = database;
    const tenant = await createTenant(sql);
    const held = await keyOf(sql, tenant);
    const { port } = await startServer({ env: database.env });
    const target = { port, prefixes: [held.token.split(".")[0] ?? ""] };
    const honest = async (token: string) => (await askFrom("127.0.0.1", port, { token })).status;
    expect(await honest(held.token)).toBe(200);
    // The code is compiled first; what that takes is no flood's doing.
    await floodWith(sized(1000, 4000), target, from);
    const rounds = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const tokens = [
        (await signedIn(sql, tenant, { member: "member" })).token,
        (await keyOf(sql, tenant)).token,
        held.token,
      ];
      const before = await figuresOf(port);
      const flood = floodWith(WRONG, target, from);
      // Each in the midst of it, one after the other.
      const statuses = [];
      for (const token of tokens) statuses.push(await honest(token));
      const { durationMs, statuses: answers } = await flood;
      expect(statuses).toEqual([200, 200, 200]);
      for (const status of answers.keys()) expect(["401", "429"]).toContain(status);
      const after = await figuresOf(port);
      const share = Math.min(1, (after.cpuMs - before.cpuMs) / durationMs);
      rounds.push({
        delayMs: Math.round(after.delayMs),
        ownMs: Math.round(after.delayMs * share),
        perSecond: Math.round((WRONG / durationMs) * 1000),
      });
    }
    process.stdout.write(`event-loop delay, p99 ms: ${JSON.stringify(rounds)}\n`);
    // The machine is shared by day: of the delay counts what the server itself took, and the best round. By night it is
    // the promise as it stands, in most rounds.
    const delays = rounds
      .map(({ delayMs, ownMs }) => (nightly ? delayMs : ownMs))
      .toSorted((a, b) => a - b);
    expect(delays[nightly ? Math.floor(delays.length / 2) : 0]).toBeLessThan(allowedMs);
  },
);
