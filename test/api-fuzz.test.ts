import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createJudge,
  operationsOf,
  readApiDocument,
  type ApiDocument,
} from "./support/api-document.ts";
import { openDoor, type Door } from "./support/api-door.ts";
import { fillIn } from "./support/api-fill.ts";
import { fingerprintOf } from "./support/api-fingerprint.ts";
import { ROUTE_ROWS } from "./support/api-fixtures.ts";
import { requestsOf, type GeneratedRequest } from "./support/api-generated.ts";
import { faultsOf, type Judges } from "./support/api-inspection.ts";
import { sendChanged } from "./support/api-sending.ts";
import { createWorlds, JWT_ENVIRONMENT, type NewWorld, type World } from "./support/api-world.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { createRandom } from "./support/seed.ts";
import { startServerProcess, type ServerProcess } from "./support/server-process.ts";
import { sized } from "./support/size.ts";
import { openWire } from "./support/wire-client.ts";

/** How many requests are sent at the least. */
const REQUESTS = sized(6000, 50_000);

/** So many at once, on fresh rows: some of them delete what the next would need. */
const AT_ONCE = 8;
const RUNS_PER_WORLD = 5;

/** 10 s on an idle machine, small; 50,000 requests are more than that. */
const ATTACK_TIMEOUT_MS = sized(300_000, 1_800_000);

/** Cursors of each list that are kept to be sent again. */
const MAX_CURSORS = 10;

let database: TestDatabase;
let server: ServerProcess;
let door: Door;
let document: ApiDocument;
let judges: Judges;
let newWorld: NewWorld;
const cursors = new Map<string, string[]>();
const statuses = new Map<string, Set<number>>();
let sentCount = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerProcess({ env: { ...database.env, ...JWT_ENVIRONMENT } });
  door = openDoor(server.port);
  document = await readApiDocument(server.port);
  judges = {
    sent: createJudge(document, { closed: false }),
    answered: createJudge(document, { closed: true }),
  };
  newWorld = await createWorlds(database.sql);
  await readCursors();
});
afterAll(async () => {
  door.close();
  await server.end("SIGTERM");
  await database.close();
});

/** Asks every list for its first cursor, so that the generator has some of each from the start. */
async function readCursors(): Promise<void> {
  const world = await newWorld();
  const lists = ROUTE_ROWS.filter(({ contract }) => "cursor" in (contract.query?.shape ?? {}));
  for (const row of lists) {
    const query = { limit: "1" };
    const { text } = await sendChanged(
      row,
      { world, door },
      { change: (parts) => ({ ...parts, query }) },
    );
    keepCursor(row.name, text);
  }
}

function keepCursor(operationId: string, text: string): void {
  const cursor = /"nextCursor":"(?<cursor>[\w-]+)"/u.exec(text)?.groups?.["cursor"];
  if (cursor === undefined) return;
  const known = cursors.get(operationId) ?? [];
  cursors.set(operationId, [...known, cursor].slice(0, MAX_CURSORS));
}

/** What the server wrote about a request; the line may be on its way still. */
async function logOf(requestId: string): Promise<string[]> {
  await delay(100);
  return server
    .output()
    .split("\n")
    .filter((line) => line.includes(requestId));
}

/** Sends a request and answers what is wrong with what came back. */
async function attack(request: GeneratedRequest, world: World): Promise<string[]> {
  const sent = fillIn(request, world, cursors);
  const answer = await door.send(sent);
  sentCount += 1;
  const { operationId } = request.operation;
  statuses.set(operationId, (statuses.get(operationId) ?? new Set()).add(answer.status));
  keepCursor(operationId, answer.text);
  const faults = faultsOf(request, { sent, answer, world }, judges);
  if (faults.length === 0) return [];
  const log = await logOf(answer.headers["x-request-id"] ?? "none");
  const shown = `${sent.method} ${sent.path.slice(0, 500)} by ${request.caller}: ${String(sent.body).slice(0, 500)}`;
  return [`${shown}\n  ${[...faults, ...log].join("\n  ").slice(0, 3000)}`];
}

test(
  "no request makes the server fail, or answer what it has not described",
  async () => {
    const requests = fc.array(requestsOf(document), {
      minLength: 1,
      maxLength: AT_ONCE,
      size: "max",
    });
    const random = createRandom();
    let world = await newWorld();
    const before = await fingerprintOf(database.sql, world.foreign);
    let runs = 0;
    let hasFailed = false;
    const holds = fc.asyncProperty(requests, async (batch) => {
      runs += 1;
      // While fast-check looks for the smallest request that fails, each try has rows of its own.
      if (hasFailed || runs % RUNS_PER_WORLD === 0) world = await newWorld();
      const faults = await Promise.all(batch.map((request) => attack(request, world)));
      hasFailed ||= faults.flat().length > 0;
      expect(faults.flat().join("\n")).toBe("");
    });
    while (sentCount < REQUESTS) {
      await fc.assert(holds, { numRuns: 50, seed: Math.floor(random() * 2 ** 31), verbose: false });
    }
    expect(await fingerprintOf(database.sql, world.foreign)).toBe(before);
  },
  ATTACK_TIMEOUT_MS,
);

test("the requests above reached every operation, and got through to most", () => {
  const operations = operationsOf(document).map(({ operationId }) => operationId);
  expect([...statuses.keys()].toSorted()).toEqual(operations.toSorted());
  const done = operations.filter((name) =>
    [...(statuses.get(name) ?? [])].some((status) => status < 300),
  );
  // A generator whose requests are all refused at the door proves little. The rare luck of a short run is allowed for.
  const refused = operations.filter((name) => !done.includes(name)).join(", ");
  expect(done.length, `never done: ${refused}`).toBeGreaterThan(
    operations.length * sized(0.9, 0.99),
  );
});

test("the server is ready afterwards and opens a document", async () => {
  expect((await door.send({ method: "GET", path: "/readyz" })).status).toBe(200);
  const world = await newWorld(["admin"]);
  const client = await openWire({
    url: server.url,
    name: `document:${world.own.documentId}`,
    token: world.caller("admin").token ?? "",
  });
  await client.close();
});

test("its log holds no token", async () => {
  const { callers } = await newWorld();
  const tokens = callers.map(({ token }) => token ?? "no token");
  expect(tokens.filter((token) => server.output().includes(token))).toEqual([]);
});
