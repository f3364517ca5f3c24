import { expect } from "vitest";
import type { UpdateFault } from "../../extensions/update-check.ts";
import { difference } from "../../persistence/proof.ts";
import { countRows, replayRows } from "./log-rows.ts";
import { openWire, type WireClient } from "./wire-client.ts";
import type { World } from "./world.ts";

/** What is sent as an Update frame, and why it is to be refused. */
export type HostileUpdate = {
  readonly update: Uint8Array;
  /** Several where it depends on the machine which limit is met first. */
  readonly reasons: readonly UpdateFault[];
  /** 4400 where not given. */
  readonly code?: 4400 | 4413;
};

/** How many updates were refused for this reason, as the metrics tell. */
export async function refusalsOf({ node }: World, reason: UpdateFault): Promise<number> {
  const page = await fetch(`http://127.0.0.1:${node.port}/metrics`);
  const line = (await page.text())
    .split("\n")
    .find((each) => each.startsWith(`scriptorium_updates_refused_total{reason="${reason}"}`));
  return Number(line?.split(" ").at(-1) ?? 0);
}

/**
 * Lets somebody send a hostile update: it costs him the socket and is counted, and nothing of it is acknowledged or
 * stored. Who is on the same document, and on another, writes on; the document opens, and is what the log holds.
 */
export async function expectOnlySenderPays(
  world: World,
  { update, reasons, code = 4400 }: HostileUpdate,
): Promise<void> {
  const { node, tenant, database, clients } = world;
  const { documentId, name } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  const open = async (to: string): Promise<WireClient> => {
    const client = await openWire({ url: node.url, name: to, token: tenant.token });
    clients.push(client);
    await client.answered();
    return client;
  };
  const neighbour = await open((await tenant.document()).name);
  const [offender, other] = [await open(name), await open(name)];
  const before = await refusalsFor(world, reasons);
  const { accepted } = offender;
  offender.send("update", update);
  expect(await offender.untilClosed()).toEqual({
    code,
    reason: code === 4413 ? "too_large" : "bad_update",
  });
  expect(offender.accepted).toBe(accepted);
  expect(await refusalsFor(world, reasons)).toBe(before + 1);
  expect(await countRows(database.sql, address)).toBe(0);
  for (const client of [other, neighbour]) {
    client.document.getText("diagram").insert(0, "unharmed");
    await client.answered();
    expect([client.closed, client.refused]).toEqual([null, 0]);
  }
  const again = await open(name);
  expect(again.document.getText("diagram").toJSON()).toBe("unharmed");
  expect(difference(again.document, await replayRows(database.sql, address))).toBeNull();
}

async function refusalsFor(world: World, reasons: readonly UpdateFault[]): Promise<number> {
  const counts = await Promise.all(reasons.map((reason) => refusalsOf(world, reason)));
  return counts.reduce((sum, count) => sum + count, 0);
}
