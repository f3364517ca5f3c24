import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDoor, type Door } from "./support/api-door.ts";
import { fingerprintOf } from "./support/api-fingerprint.ts";
import { ROUTE_ROWS, type Parts } from "./support/api-fixtures.ts";
import { sendChanged } from "./support/api-sending.ts";
import { createWorlds, JWT_ENVIRONMENT, type World } from "./support/api-world.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { startTestNode } from "./support/node.ts";

/*
 * What is misspelt is refused: an `expiresat` that is passed over makes a key that never ends, a `?dryRun=true` that
 * a route does not have does the deed.
 */

let database: TestDatabase;
let node: Awaited<ReturnType<typeof startTestNode>>;
let door: Door;
let world: World;

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startTestNode(database, JWT_ENVIRONMENT);
  door = openDoor(node.port);
  world = await (await createWorlds(database.sql))();
});
afterAll(async () => {
  door.close();
  await node.close();
  await database.close();
});

const fingerprint = () => fingerprintOf(database.sql, world.own);

describe.each(ROUTE_ROWS)("$title", (row) => {
  const expectRefused = async (where: "body" | "query", change: (parts: Parts) => Parts) => {
    const before = await fingerprint();
    const { status, text } = await sendChanged(row, { world, door }, { change });
    expect([status, JSON.parse(text)]).toEqual([
      400,
      expect.objectContaining({
        code: "bad_request",
        errors: [{ at: where, message: expect.stringContaining('"dryrun"') }],
      }),
    ]);
    expect(await fingerprint()).toBe(before);
  };

  test("refuses a query that it does not know, and does nothing", () =>
    expectRefused("query", (parts) => ({ ...parts, query: { ...parts.query, dryrun: "true" } })));

  if (row.contract.body === undefined) return;
  test("refuses a name in its body that it does not know, and does nothing", () =>
    expectRefused("body", (parts) => ({
      ...parts,
      body: { ...(parts.body as object), dryrun: true },
    })));
});
