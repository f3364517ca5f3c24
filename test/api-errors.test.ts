import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { hash } from "@node-rs/bcrypt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorsOf } from "../schema/api/contract.ts";
import { ERRORS, type ErrorCode } from "../schema/errors.ts";
import { createJudge, readApiDocument, type SchemaJudge } from "./support/api-document.ts";
import { openDoor, type Door, type DoorAnswer } from "./support/api-door.ts";
import { twistCursor } from "./support/api-fill.ts";
import { ROUTE_ROWS, signedBy } from "./support/api-fixtures.ts";
import { describeAnswer } from "./support/api-matrix.ts";
import { isSituation, provoke, SITUATION_CALLERS } from "./support/api-provocations.ts";
import { sendChanged } from "./support/api-sending.ts";
import { createWorlds, JWT_ENVIRONMENT, type NewWorld, type World } from "./support/api-world.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { startTestNode } from "./support/node.ts";
import { startProxiedNode } from "./support/proxied-node.ts";

/** Situations of the whole server, not of a route: each is made once, below. */
const OF_THE_SERVER: readonly ErrorCode[] = [
  "storage_unavailable",
  "restarting",
  "too_many_requests",
];

let database: TestDatabase;
let node: Awaited<ReturnType<typeof startTestNode>>;
let door: Door;
let newWorld: NewWorld;
let judge: SchemaJudge;

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startTestNode(database, JWT_ENVIRONMENT);
  door = openDoor(node.port);
  newWorld = await createWorlds(database.sql);
  judge = createJudge(await readApiDocument(node.port), { closed: true });
});
afterAll(async () => {
  door.close();
  await node.close();
  await database.close();
});

/** A problem document that says of itself what HTTP says of it. */
function expectProblem({ status, headers, text }: DoorAnswer): void {
  expect(headers["content-type"]).toBe("application/problem+json");
  expect(headers["cache-control"]).toBe("no-store");
  const problem = JSON.parse(text) as { status: number; code: ErrorCode; requestId: string };
  expect(judge({ $ref: "#/components/schemas/Problem" }, problem)).toBeNull();
  expect(problem).toMatchObject({
    status,
    type: `urn:scriptorium:problem:${problem.code}`,
    requestId: headers["x-request-id"],
  });
}

describe.each(ROUTE_ROWS)("$title", (row) => {
  const situations = (code: ErrorCode): number => Number(isSituation(row, code));

  test("answers once with each error that it documents", async () => {
    const codes = errorsOf(row.contract).filter((code) => !OF_THE_SERVER.includes(code));
    const answered: Partial<Record<ErrorCode, string>> = {};
    const unknown: ErrorCode[] = [];
    const shared = await newWorld();
    // Refusals first: they leave the shared world as it is, and a newer one takes the keys of its callers.
    for (const code of codes.toSorted((one, other) => situations(one) - situations(other))) {
      const world = isSituation(row, code) ? await newWorld(SITUATION_CALLERS) : shared;
      const answer = await provoke(row, code, { world, door, sql: database.sql });
      if (answer === null) unknown.push(code);
      else {
        answered[code] = describeAnswer(answer);
        expectProblem(answer);
      }
    }
    expect(answered).toEqual(
      Object.fromEntries(
        codes
          .filter((code) => !unknown.includes(code))
          .map((code) => [code, `${ERRORS[code].http} ${code}`]),
      ),
    );
    // Either the contract promises too much, or test/support/api-situations.ts has to learn the way.
    expect(unknown, `${row.name} documents codes that no known request produces`).toEqual([]);
  });
});

const lists = ROUTE_ROWS.filter(({ contract }) => "cursor" in (contract.query?.shape ?? {}));

/** A world in which every list has a second page. */
async function worldOfTwo(): Promise<World> {
  const world = await newWorld();
  const makers = ROUTE_ROWS.filter(({ name }) =>
    ["createOrganization", "createKey", "createProjectAgent"].includes(name),
  );
  await Promise.all(makers.map((row) => sendChanged(row, { world, door }, {})));
  return world;
}

describe.each(lists)("$title", (row) => {
  test("refuses a cursor that somebody tampered with, or finds nothing by it", async () => {
    const world = await worldOfTwo();
    const page = (query: Record<string, string>) =>
      sendChanged(
        row,
        { world, door },
        {
          change: (parts) => ({ ...parts, query: { ...parts.query, ...query } }),
        },
      );
    const { text } = await page({ limit: "1" });
    const { nextCursor } = JSON.parse(text) as { nextCursor: string | null };
    if (nextCursor === null) throw new Error(`${row.name} has no second page: ${text}`);
    const values = [
      "",
      "x",
      "-1",
      "9".repeat(16),
      "9".repeat(40),
      "1e9",
      "NaN",
      "infinity",
      "0000-01-01T00:00:00.000000Z",
      "2026-02-30T00:00:00.000000Z",
      "\0",
      "\ud800",
      1,
      null,
      {},
    ];
    const twisted = [0, 1, 2].flatMap((place) =>
      values.map((value) => twistCursor(nextCursor, place, value)),
    );
    const cursors = [...twisted, "", "x", "\u00e9", nextCursor.slice(1), `${nextCursor}A`];
    const answers = await Promise.all(cursors.map((cursor) => page({ limit: "1", cursor })));
    const allowed = new Set(["200", "400 bad_request"]);
    const wrong = answers
      .map((answer, index) => `${cursors[index]}: ${describeAnswer(answer)}`)
      .filter((line) => !allowed.has(line.slice(line.indexOf(": ") + 2)));
    expect(wrong).toEqual([]);
  });
});

/** What every route answers to its valid request; an admin sends it. */
async function answersOfAll(to: Door, world: World): Promise<DoorAnswer[]> {
  return Promise.all(ROUTE_ROWS.map((row) => sendChanged(row, { world, door: to }, {})));
}

test("storage_unavailable: every route while PostgreSQL is away, and none when it is back", async () => {
  const proxied = await startProxiedNode(database);
  const way = openDoor(proxied.node.port);
  const world = await newWorld();
  await proxied.proxy.refuse();
  const answers = await answersOfAll(way, world);
  await proxied.proxy.release();
  const back = await way.send({ method: "GET", path: "/readyz" });
  way.close();
  await proxied.close();
  expect(new Set(answers.map(describeAnswer))).toEqual(new Set(["503 storage_unavailable"]));
  for (const answer of answers) {
    expectProblem(answer);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
  }
  expect(back.status).toBe(200);
});

/** A websocket that says nothing any more: a server that stops waits for it a moment. */
async function openSilentSocket(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(
    `GET /collaboration HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`,
  );
  await once(socket, "data");
  return socket;
}

test("restarting: every route, from the signal to the end", async () => {
  const stopping = await startTestNode(database);
  const way = openDoor(stopping.port);
  const world = await newWorld();
  const socket = await openSilentSocket(stopping.port);
  const closed = stopping.close();
  const answers = await answersOfAll(way, world);
  socket.destroy();
  way.close();
  await closed;
  expect(new Set(answers.map(describeAnswer))).toEqual(new Set(["503 restarting"]));
  for (const answer of answers) expectProblem(answer);
});

test("[A4] too_many_requests: a flood of wrong keys is turned away", async () => {
  const world = await newWorld();
  const [prefix = ""] = (world.caller("key read").token ?? "").split(".");
  // Cheaper than a true one, so that the test does not wait for 200 comparisons of 50 ms.
  const keyHash = await hash("another secret", 8);
  await database.sql`update api_keys set key_hash = ${keyHash} where key_prefix = ${prefix}`;
  const crowd = openDoor(node.port, { maxSockets: 300 });
  const guesses = Array.from({ length: 260 }, (_, index) => ({
    token: `${prefix}.${String(index).padStart(43, "0")}`,
  }));
  const answers = await Promise.all(
    guesses.map((guess) =>
      crowd.send({ method: "GET", path: "/api/v1/me", headers: signedBy(guess) }),
    ),
  );
  const during = await door.send({
    method: "GET",
    path: "/api/v1/me",
    headers: signedBy(world.caller("admin")),
  });
  crowd.close();
  const counts = Map.groupBy(answers, describeAnswer);
  expect([...counts.keys()].toSorted()).toEqual(["401 unauthenticated", "429 too_many_requests"]);
  for (const answer of counts.get("429 too_many_requests") ?? []) expectProblem(answer);
  expect(during.status).toBe(200);
});

describe("where there is no route", () => {
  test("not_found for a path, method_not_allowed for a method, with what is allowed", async () => {
    const nowhere = await door.send({ method: "GET", path: "/api/v1/nowhere" });
    const wrong = await door.send({ method: "PUT", path: "/api/v1/organizations" });
    expect([nowhere, wrong].map(describeAnswer)).toEqual([
      "404 not_found",
      "405 method_not_allowed",
    ]);
    for (const answer of [nowhere, wrong]) expectProblem(answer);
    expect(wrong.headers["allow"]).toContain("GET");
  });
});
