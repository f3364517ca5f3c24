import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDoor, type Door, type DoorAnswer } from "./support/api-door.ts";
import { fingerprintOf } from "./support/api-fingerprint.ts";
import { ROUTE_ROWS, type Parts, type RouteRow } from "./support/api-fixtures.ts";
import { describeAnswer } from "./support/api-matrix.ts";
import { sendChanged } from "./support/api-sending.ts";
import { createWorlds, JWT_ENVIRONMENT, type NewWorld, type World } from "./support/api-world.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { startTestNode } from "./support/node.ts";

let database: TestDatabase;
let node: Awaited<ReturnType<typeof startTestNode>>;
let door: Door;
let newWorld: NewWorld;

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startTestNode(database, JWT_ENVIRONMENT);
  door = openDoor(node.port);
  newWorld = await createWorlds(database.sql);
});
afterAll(async () => {
  door.close();
  await node.close();
  await database.close();
});

const rowsWith = (holds: (row: RouteRow) => boolean): RouteRow[] => ROUTE_ROWS.filter(holds);

const routeOf = (method: string, path: string): RouteRow | undefined =>
  ROUTE_ROWS.find(({ contract }) => contract.method === method && contract.path === path);

/** The bodies of a request that is sent twice cannot differ, though each fixture is unique: the first one is kept. */
function sameBody(): (parts: Parts) => Parts {
  let first: unknown;
  return (parts) => {
    first ??= parts.body;
    return { ...parts, body: first };
  };
}

type Sent = Parameters<typeof sendChanged>[2];

const send = (row: RouteRow, world: World, changes: Sent = {}): Promise<DoorAnswer> =>
  sendChanged(row, { world, door }, changes);

/** A secret is shown once: in the second answer it is null. */
const withoutToken = ({ text }: DoorAnswer): unknown =>
  JSON.parse(text, (key, value: unknown) => (key === "token" ? null : value));

describe.each(rowsWith(({ contract }) => contract.idempotent === true))("$title", (row) => {
  test("with an Idempotency-Key: asked five times at once and once more, it is done once", async () => {
    const world = await newWorld(["admin"]);
    const change = sameBody();
    const headers = { "idempotency-key": "once" };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => send(row, world, { headers, change })),
    );
    const after = await fingerprintOf(database.sql, world.own);
    const again = await send(row, world, { headers, change });
    expect([...answers, again].map(describeAnswer)).toEqual(
      Array.from({ length: 6 }, () => String(row.contract.answer.status)),
    );
    for (const each of answers) expect(withoutToken(each)).toEqual(withoutToken(again));
    const tokens = answers.filter(({ text }) => /"token":"/u.test(text));
    expect(tokens.length).toBe(again.text.includes('"token"') ? 1 : 0);
    expect(again.text).not.toMatch(/"token":"/u);
    expect(await fingerprintOf(database.sql, world.own)).toBe(after);
  });
});

describe.each(rowsWith(({ contract }) => contract.method === "get" && contract.etag === true))(
  "$title",
  (row) => {
    test("answers 304 to the ETag that it gave, and its writer heeds it", async () => {
      const world = await newWorld(["admin"]);
      const { headers } = await send(row, world);
      const etag = headers["etag"] ?? "none";
      const known = await send(row, world, { headers: { "if-none-match": etag } });
      expect([known.status, known.text, known.headers["etag"]]).toEqual([304, "", etag]);
      const writer = ["patch", "put"]
        .map((method) => routeOf(method, row.contract.path))
        .find((found) => found?.contract.ifMatch !== undefined);
      if (writer === undefined) return;
      const change = sameBody();
      const first = await send({ ...writer, level: row.level }, world, {
        headers: { "if-match": etag },
        change,
      });
      const late = await send({ ...writer, level: row.level }, world, {
        headers: { "if-match": etag },
      });
      expect([first, late].map(describeAnswer)).toEqual([
        String(writer.contract.answer.status),
        "412 precondition_failed",
      ]);
      const fresh = await send(row, world, { headers: { "if-none-match": etag } });
      expect(fresh.headers["etag"]).toBe(first.headers["etag"]);
      expect(fresh.headers["etag"]).not.toBe(etag);
    });
  },
);

describe.each(rowsWith(({ contract }) => "cursor" in (contract.query?.shape ?? {})))(
  "$title",
  (row) => {
    test("pages of one hold what one page of all holds, in the same order", async () => {
      const world = await newWorld();
      const page = async (query: Record<string, string>): Promise<[unknown[], string | null]> => {
        const change = (parts: Parts): Parts => ({ ...parts, query: { ...parts.query, ...query } });
        const { text } = await send(row, world, { change });
        const { nextCursor, ...lists } = JSON.parse(text) as { nextCursor: string | null };
        // Beside its list a feed says up to where it was read.
        return [Object.values(lists).filter(Array.isArray).flat(), nextCursor];
      };
      const [all, end] = await page({ limit: row.name === "search" ? "50" : "200" });
      const single: unknown[] = [];
      let cursor: string | null = "";
      while (cursor !== null) {
        const [found, next]: [unknown[], string | null] = await page({
          limit: "1",
          ...(cursor !== "" && { cursor }),
        });
        single.push(...found);
        cursor = next;
      }
      expect(end).toBeNull();
      expect(single).toEqual(all);
      expect(all.length).toBeGreaterThan(0);
    });
  },
);

describe.each(rowsWith(({ contract }) => contract.answer.status === 201))("$title", (row) => {
  test("where it says it made something, that is", async () => {
    const world = await newWorld(["admin"]);
    const made = await send(row, world);
    const { location } = made.headers;
    if (location === undefined) return;
    const { token } = world.caller("admin");
    const found = await door.send({
      method: "GET",
      path: location,
      headers: { authorization: `Bearer ${token}` },
    });
    expect(found.status).toBe(200);
    expect(found.headers["etag"]).toBe(made.headers["etag"] ?? found.headers["etag"]);
  });
});

/*
 * A misspelt `expiresAt` that is passed over makes a key that never ends, a `?dryRun=true` that a route does not have
 * does the deed.
 */
describe("a name that the route does not know is refused, and nothing is done", () => {
  let world: World;
  beforeAll(async () => {
    world = await newWorld();
  });

  const places = (["query", "body"] as const).flatMap((where) =>
    rowsWith(({ contract }) => where === "query" || contract.body !== undefined).map((row) => ({
      title: `in the ${where} of ${row.title}`,
      row,
      where,
    })),
  );
  test.each(places)("$title", async ({ row, where }) => {
    const before = await fingerprintOf(database.sql, world.own);
    const change = (parts: Parts): Parts => ({
      ...parts,
      [where]: { ...(parts[where] as object), dryrun: "true" },
    });
    const { status, text } = await send(row, world, { change });
    expect([status, JSON.parse(text)]).toEqual([
      400,
      expect.objectContaining({
        code: "bad_request",
        errors: [{ at: where, message: expect.stringContaining('"dryrun"') }],
      }),
    ]);
    expect(await fingerprintOf(database.sql, world.own)).toBe(before);
  });
});
