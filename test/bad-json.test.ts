import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { takesBody } from "../schema/api/contract.ts";
import { openDoor, type Door, type DoorAnswer } from "./support/api-door.ts";
import { fingerprintOf } from "./support/api-fingerprint.ts";
import { partsFor, requestOf, ROUTE_ROWS, signedBy } from "./support/api-fixtures.ts";
import { createWorlds, JWT_ENVIRONMENT, type NewWorld, type World } from "./support/api-world.ts";
import { bend, isJson, type BadBody } from "./support/bad-json.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { createRandom } from "./support/seed.ts";
import { startServerProcess, type ServerProcess } from "./support/server-process.ts";
import { sized } from "./support/size.ts";

const BODIES = sized(1000, 100_000);
const AT_ONCE = 16;
const BODIES_PER_WORLD = 500;
const MESSAGES = sized(500, 100_000);
const TIMEOUT_MS = sized(60_000, 1_800_000);

/** So that the limits on requests do not answer in the place of what is asked here. */
const NO_LIMITS = {
  REQUESTS_PER_SECOND_PER_PRINCIPAL: "1000000",
  REQUESTS_PER_SECOND_PER_ADDRESS: "1000000",
};

const ROWS = ROUTE_ROWS.filter(({ contract }) => takesBody(contract));

let database: TestDatabase;
let server: ServerProcess;
let door: Door;
let newWorld: NewWorld;
const random = createRandom();

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerProcess({
    env: { ...database.env, ...JWT_ENVIRONMENT, ...NO_LIMITS },
  });
  door = openDoor(server.port, { maxSockets: AT_ONCE });
  newWorld = await createWorlds(database.sql);
});
afterAll(async () => {
  door.close();
  await server.end("SIGTERM");
  await database.close();
});

/** A body that somebody took, and with it the session or the document: what follows is a refusal of another kind. */
const isGone = ({ status }: DoorAnswer): boolean => status === 401 || status === 404;

/** What is wrong with the answer to a bad body; null: nothing. `isRead`: somebody was there to read it. */
function faultOf(answer: DoorAnswer, bytes: Buffer, isRead = true): string | null {
  const { status, headers, text } = answer;
  if (status >= 500) return `${status} ${text.slice(0, 300)}`;
  if (isRead && !isJson(bytes) && status !== 400) return `${status} to what is no JSON`;
  if (status < 400) return null;
  if (headers["content-type"] !== "application/problem+json") return `${status}, no problem`;
  const problem = JSON.parse(text) as { status: unknown; code: unknown; requestId: unknown };
  const agrees = problem.status === status && problem.requestId === headers["x-request-id"];
  return agrees && typeof problem.code === "string" ? null : `another problem: ${text}`;
}

const SPEAKS_MCP = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};

/** The same for a message of MCP: JSON that is none of its messages, and a call that fails, are told as JSON-RPC. */
function mcpFaultOf(answer: DoorAnswer, bytes: Buffer): string | null {
  const { status, headers, text } = answer;
  if (headers["content-type"] !== "application/json") {
    return status === 202 ? null : faultOf(answer, bytes);
  }
  const { jsonrpc, result, error } = JSON.parse(text) as {
    jsonrpc: unknown;
    result?: unknown;
    error?: { code: unknown };
  };
  const isWhole = jsonrpc === "2.0" && (result !== undefined || typeof error?.code === "number");
  return isWhole && isJson(bytes) && !text.includes("internal: ") ? null : `${status} ${text}`;
}

async function sendBadMessage(world: World, index: number): Promise<string[]> {
  const { documentId } = world.own;
  const call = { name: "comment", arguments: { documentId, markdown: "Why?", anchor: null } };
  const good = [
    { jsonrpc: "2.0", id: 1, method: "tools/call", params: call },
    { jsonrpc: "2.0", id: "a", method: "resources/list", params: { cursor: "W10" } },
    { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } },
  ];
  const { kind, bytes } = bend(JSON.stringify(good[index % good.length]), random);
  const headers = { ...signedBy(world.caller("admin")), ...SPEAKS_MCP };
  const answer = await door.send({ method: "POST", path: "/mcp", headers, body: bytes });
  const fault = mcpFaultOf(answer, bytes);
  return fault === null ? [] : [`${kind}: ${fault}\n  ${bytes.toString("latin1").slice(0, 300)}`];
}

/** Bodies that nobody judged: whom or what they were for was gone. */
let gone = 0;

async function sendBad(world: World, index: number): Promise<string[]> {
  const row = ROWS[index % ROWS.length] ?? ROWS[0];
  if (row === undefined) throw new Error("no route takes a body");
  const caller = world.caller("admin");
  const parts = partsFor(row, { tenancy: world.own, caller });
  const bad: BadBody = bend(JSON.stringify(parts.body), random);
  const request = requestOf(row, parts, signedBy(caller));
  const answer = await door.send({ ...request, body: bad.bytes });
  if (isGone(answer)) gone += 1;
  const fault = faultOf(answer, bad.bytes, !isGone(answer));
  if (fault === null) return [];
  return [`${row.name}, ${bad.kind}: ${fault}\n  ${bad.bytes.toString("latin1").slice(0, 300)}`];
}

describe("[T41] bad JSON", () => {
  test(
    `${BODIES} bodies: none is a fault of the server, what is no JSON is a 400 of ours`,
    async () => {
      let sent = 0;
      let world = await newWorld(["admin"]);
      const before = await fingerprintOf(database.sql, world.foreign);
      while (sent < BODIES) {
        if (sent % BODIES_PER_WORLD === 0) world = await newWorld(["admin"]);
        const batch = Array.from({ length: AT_ONCE }, (_, index) => sendBad(world, sent + index));
        expect((await Promise.all(batch)).flat().join("\n")).toBe("");
        sent += AT_ONCE;
      }
      expect(gone).toBeLessThan(sent / 10);
      expect(await fingerprintOf(database.sql, world.foreign)).toBe(before);
      expect((await door.send({ method: "GET", path: "/readyz" })).status).toBe(200);
    },
    TIMEOUT_MS,
  );

  test(
    `${MESSAGES} messages of MCP: none is a fault of the server, what is no JSON is a 400 of ours`,
    async () => {
      let world = await newWorld(["admin"]);
      for (let sent = 0; sent < MESSAGES; sent += AT_ONCE) {
        if (sent % BODIES_PER_WORLD === 0) world = await newWorld(["admin"]);
        const batch = Array.from({ length: AT_ONCE }, (_, index) => sendBadMessage(world, index));
        expect((await Promise.all(batch)).flat().join("\n")).toBe("");
      }
      expect((await door.send({ method: "GET", path: "/readyz" })).status).toBe(200);
    },
    TIMEOUT_MS,
  );

  test.each([
    ["application/json; charset=utf-16", {}, 400],
    ["application/json", { "content-encoding": "gzip" }, 400],
    ["application/json", { "content-encoding": "br, deflate" }, 400],
    ["text/json", {}, 415],
    ["application/vnd.api+json", {}, 415],
    ["application/json, text/html", {}, 415],
    ["multipart/form-data; boundary=x", {}, 415],
    ["application/x-www-form-urlencoded", {}, 415],
    ["\u00e9", {}, 415],
  ])("sent as %s with %o is a %i", async (type, headers, status) => {
    const world = await newWorld(["admin"]);
    const answer = await door.send({
      method: "POST",
      path: `/api/v1/organizations/${world.own.organizationId}/projects`,
      headers: { ...signedBy(world.caller("admin")), ...headers, "content-type": type },
      body: Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0x7b, 0x7d]),
    });
    expect([answer.status, answer.headers["content-type"]]).toEqual([
      status,
      "application/problem+json",
    ]);
  });
});
