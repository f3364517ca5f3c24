import { afterAll, beforeAll, expect, test } from "vitest";
import { documentName } from "../schema/ids.ts";
import { partsFor, ROUTE_ROWS, type Parts, type RouteRow } from "./support/api-fixtures.ts";
import { createWorlds, JWT_ENVIRONMENT, type NewWorld, type World } from "./support/api-world.ts";
import { bend, type BadBody } from "./support/bad-json.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { type CallOutcome, openCaller } from "./support/raw-calls.ts";
import { createRandom } from "./support/seed.ts";
import { startServerProcess, type ServerProcess } from "./support/server-process.ts";
import { sized } from "./support/size.ts";
import { openWire } from "./support/wire-client.ts";

const FRAMES = sized(1000, 100_000);
/** Sockets that call at the same time; each waits for its answer. */
const LANES = 4;
const FRAMES_PER_WORLD = 500;
const TIMEOUT_MS = sized(60_000, 1_800_000);

/** So that the limits do not answer in the place of what is asked here. */
const NO_LIMITS = {
  REQUESTS_PER_SECOND_PER_PRINCIPAL: "1000000",
  REQUESTS_PER_SECOND_PER_ADDRESS: "1000000",
  FRAMES_PER_SECOND: "1000000",
};

/** What can be called on a socket: what is said about a document that it has open. */
const CALLS = ROUTE_ROWS.filter(
  ({ contract: { tag, access } }) =>
    (tag === "Discussions" || tag === "Suggestions") &&
    access.who === "right" &&
    access.at === "document",
);

let database: TestDatabase;
let server: ServerProcess;
let newWorld: NewWorld;
const random = createRandom();

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerProcess({
    env: { ...database.env, ...JWT_ENVIRONMENT, ...NO_LIMITS },
  });
  newWorld = await createWorlds(database.sql);
});
afterAll(async () => {
  await server.end("SIGTERM");
  await database.close();
});

/** Says so many bent calls on a socket, one after the other. `taken`: those that were done all the same. */
async function sayBad(world: World, count: number): Promise<{ faults: string[]; taken: number }> {
  const name = documentName(world.own.documentId, "content");
  const caller = world.caller("admin");
  const open = () => openCaller(server.url, name, caller.token ?? "");
  let socket = await open();
  const faults: string[] = [];
  let taken = 0;
  for (let index = 0; index < count; index += 1) {
    const row = CALLS[Math.floor(random() * CALLS.length)];
    if (row === undefined) throw new Error("nothing can be called");
    const parts = partsFor(row, { tenancy: world.own, caller });
    const { kind, bytes } = bendCall(row, `${index}`, parts);
    const outcome = await socket.say(bytes);
    const fault = callFaultOf(outcome, bytes);
    const shown = bytes.toString("latin1").slice(0, 300);
    if (fault !== null) faults.push(`${row.name}, ${kind}: ${fault}\n  ${shown}`);
    if ("closeCode" in outcome) socket = await open();
    else if (outcome.answer.status < 400) taken += 1;
  }
  await socket.close();
  return { faults, taken };
}

/** The whole of a call, or its body alone, so that what is called is reached too; one in ten is as it should be. */
function bendCall({ name }: RouteRow, id: string, { params, query, body }: Parts): BadBody {
  const plain = Object.entries(params).map(([key, value]) => [key, decodeURIComponent(value)]);
  const call = { id, call: name, params: Object.fromEntries(plain) as object, query };
  const good = JSON.stringify({ ...call, body });
  if (random() < 0.1) return { kind: "as it should be", bytes: Buffer.from(good) };
  if (body === undefined || random() < 0.5) return bend(good, random);
  const { kind, bytes } = bend(JSON.stringify(body), random);
  const before = `${JSON.stringify(call).slice(0, -1)},"body":`;
  return { kind, bytes: Buffer.concat([Buffer.from(before), bytes, Buffer.from("}")]) };
}

/** What is wrong with what became of a bad call; null: nothing. */
function callFaultOf(outcome: CallOutcome, bytes: Buffer): string | null {
  const text = readText(bytes);
  // The frame itself is bad then, or its socket has sent too many.
  if ("closeCode" in outcome) {
    const allowed = text === null ? [4400] : [4413, 4429];
    return allowed.includes(outcome.closeCode) ? null : `closed with ${outcome.closeCode}`;
  }
  const { id, status, body } = outcome.answer;
  if (status >= 500 || body?.["code"] === "internal") return `${status} ${JSON.stringify(body)}`;
  if (text === null) return `${status} to what is no text`;
  const message = parsed(text);
  if (message === undefined && status !== 400) return `${status} to what is no JSON`;
  const told = (message as { id?: unknown } | null | undefined)?.id;
  if (id !== (typeof told === "string" ? told.slice(0, 100) : null)) return `answered to ${id}`;
  if (status < 400) return null;
  return body?.["status"] === status && typeof body["code"] === "string" ? null : "no problem";
}

/** As the frame's reader does it: a mark before the text is a part of it. Null: it is no text. */
function readText(bytes: Buffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The document that was called at opens, and somebody writes in it. */
async function expectGoesOn(world: World): Promise<void> {
  const name = documentName(world.own.documentId, "content");
  const token = world.caller("admin").token ?? "";
  const client = await openWire({ url: server.url, name, token });
  client.document.getText("diagram").insert(0, "still here");
  await client.answered();
  expect([client.closed, client.refused]).toEqual([null, 0]);
  await client.close();
}

test(
  `[T41] ${FRAMES} stateless frames, bent calls: each gets one answer, none is a fault of the server, what is no JSON is a 400`,
  async () => {
    let taken = 0;
    for (let sent = 0; sent < FRAMES;) {
      const world = await newWorld(["admin"]);
      const said = Math.min(FRAMES_PER_WORLD, FRAMES - sent);
      const lanes = Array.from({ length: LANES }, () => sayBad(world, said / LANES));
      const outcomes = await Promise.all(lanes);
      expect(outcomes.flatMap(({ faults }) => faults).join("\n")).toBe("");
      for (const outcome of outcomes) taken += outcome.taken;
      sent += said;
      await expectGoesOn(world);
    }
    // One in ten was as it should be: these are calls that are taken.
    expect(taken).toBeGreaterThan(FRAMES / 20);
  },
  TIMEOUT_MS,
);
