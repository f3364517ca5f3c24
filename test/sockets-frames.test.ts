import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import * as Y from "yjs";
import {
  authFrame,
  EMPTY_STATE_VECTOR,
  EMPTY_UPDATE,
  FRAME,
  SYNC,
  syncFrame,
} from "../bench/wire.ts";
import { ERRORS } from "../schema/errors.ts";
import { fingerprintOf } from "./support/api-fingerprint.ts";
import { openRaw, presenceFrame, rawFrame, type RawSocket } from "./support/raw-socket.ts";
import { sized } from "./support/size.ts";
import { until } from "./support/until.ts";
import { openWire } from "./support/wire-client.ts";
import { useWorld } from "./support/world.ts";

// How often somebody asks is not what is tested here.
const world = await useWorld({ ASKING_PER_SECOND: "100000" });
const sockets: RawSocket[] = [];

afterEach(() => {
  for (const { ws } of sockets.splice(0)) ws.terminate();
});

async function raw(): Promise<RawSocket> {
  const socket = await openRaw(world.node.url);
  sockets.push(socket);
  return socket;
}

/** What the server may close a socket with: the codes of the closed set, and ws' own for frames that are none. */
const CLOSE_CODES = [1009, ...Object.values(ERRORS).map(({ close }) => close)];

/** A neighbour writes, and is told that it is saved. */
async function expectHealthy(): Promise<void> {
  const { name } = await world.tenant.document();
  const client = await openWire({ url: world.node.url, name, token: world.tenant.token });
  world.clients.push(client);
  client.document.getText("diagram").insert(0, "healthy");
  await client.answered();
  expect([client.closed, client.refused]).toEqual([null, 0]);
}

type Stage = (name: string) => Promise<RawSocket>;

const STAGES: Readonly<Record<string, Stage>> = {
  "before anybody signs in": raw,
  "while it is being opened": async (name) => {
    const socket = await raw();
    socket.send(authFrame(name, world.tenant.token));
    return socket;
  },
  "where it is open": async (name) => {
    const socket = await raw();
    await socket.open(name, world.tenant.token);
    return socket;
  },
  "after the client has closed it": async (name) => {
    const socket = await raw();
    await socket.open(name, world.tenant.token);
    socket.send(rawFrame(name, FRAME.close));
    return socket;
  },
  "where it was refused and another is open": async (name) => {
    const socket = await raw();
    await socket.open((await world.tenant.document()).name, world.tenant.token);
    await socket.open(name, "not a token");
    return socket;
  },
};

const valid = (name: string): Uint8Array[] => {
  const doc = new Y.Doc();
  doc.getText("diagram").insert(0, "x");
  const update = Y.encodeStateAsUpdate(doc);
  return [
    authFrame(name, world.tenant.token),
    syncFrame(name, SYNC.step1, Y.encodeStateVector(doc)),
    syncFrame(name, SYNC.step2, update),
    syncFrame(name, SYNC.update, update),
    rawFrame(name, 4, [SYNC.step1, 1, 0]),
    presenceFrame(name, [{ client: doc.clientID, state: '{"user":{"name":"Ann"}}' }]),
    rawFrame(name, 3),
    rawFrame(name, 5, [1, 120]),
    rawFrame(name, FRAME.close),
    rawFrame(name, FRAME.ping),
    rawFrame(name, FRAME.pong),
  ];
};

/** Every type from 0 to 20, with nothing, with little and with nonsense; and every valid frame, cut off anywhere. */
function hostileFrames(name: string): Uint8Array[] {
  const every = sized(4, 1);
  const typed = Array.from({ length: 21 }, (_, type) => [
    rawFrame(name, type),
    rawFrame(name, type, [0, 0, 0]),
    rawFrame(name, type, [255, 255, 255, 255, 255, 255, 255, 255, 255]),
  ]).flat();
  const start = name.length + 1;
  const cut = valid(name).flatMap((frame) =>
    Array.from({ length: frame.length + 1 }, (_, end) => frame.subarray(0, end)).filter(
      ({ length }) => length % every === 0 || Math.abs(length - start) < 4,
    ),
  );
  return [...typed, ...cut];
}

describe("[T35] every kind of frame, whole and cut off,", () => {
  test.each([...Object.keys(STAGES), "where it may only be read"])(
    "%s: answered, passed over, or the socket is closed with a code",
    async (where) => {
      const name = where.includes("read")
        ? `comments:${(await world.tenant.document()).documentId}`
        : (await world.tenant.document()).name;
      const stage = STAGES[where] ?? STAGES["where it is open"] ?? raw;
      const closedWith = new Set<number>();
      let socket = await stage(name);
      for (const frame of hostileFrames(name)) {
        if (socket.closed !== null) socket = await stage(name);
        socket.send(frame);
        await socket.settled(name);
        if (socket.closed !== null) closedWith.add(socket.closed.code);
        // Each time from the same stage, where the frame may have left it.
        if (socket.closed === null && frame[name.length + 1] === FRAME.close) {
          socket.ws.terminate();
          socket = await stage(name);
        }
      }
      expect([...closedWith].filter((code) => !CLOSE_CODES.includes(code))).toEqual([]);
      expect(closedWith).toContain(4400);
      await expectHealthy();
    },
    sized(60_000, 600_000),
  );
});

describe("[T48] what only the server says", () => {
  test.each([
    ["BroadcastStateless", 6, [1, 120]],
    ["SyncStatus", 8, [1]],
    ["a type that nobody has", 11, [0]],
    ["a type that nobody has", 127, []],
  ])("%s (%i) costs the socket, and nobody hears of it", async (_name, type, body) => {
    const { name } = await world.tenant.document();
    const [offender, other] = [await raw(), await raw()];
    await offender.open(name, world.tenant.token);
    await other.open(name, world.tenant.token);
    const heard = other.received.length;
    offender.send(rawFrame(name, type, body));
    expect(await offender.untilClosed()).toEqual({ code: 4400, reason: "bad_frame" });
    await other.settled(name);
    // The answer to its own Ping, and nothing else.
    expect(other.received.length).toBe(heard + 1);
  });

  test("a client that asks as another server does (SyncReply) gets one answer and one question, and his answer ends it", async () => {
    const { name } = await world.tenant.document();
    const socket = await raw();
    await socket.open(name, world.tenant.token);
    await socket.settled(name);
    const typeAt = 1 + name.length;
    const heard = socket.received.length;
    /** Every frame since, but for the answers to our own Pings: its type, and what kind of it. */
    const told = (): (number | undefined)[][] =>
      socket.received
        .slice(heard)
        .map((frame) => [frame[typeAt], frame[typeAt + 1]])
        .filter(([type]) => type !== FRAME.pong);
    socket.send(rawFrame(name, FRAME.syncReply, [SYNC.step1, 1, 0]));
    await until(() => told().length === 2, { describe: "the answer and the question are there" });
    const answered = [
      [FRAME.sync, SYNC.step1],
      [FRAME.sync, SYNC.step2],
    ];
    expect(told()).toEqual(answered);
    socket.send(rawFrame(name, FRAME.syncReply, [SYNC.step2, 2, ...EMPTY_UPDATE]));
    await until(() => told().length === 3, { describe: "his answer is acknowledged" });
    // What is still on its way would come now.
    for (let round = 0; round < 5; round += 1) await socket.settled(name);
    expect(told()).toEqual([...answered, [FRAME.syncStatus, 1]]);
    expect(socket.closed).toBeNull();
  });
});

test("[T48] after CLOSE nothing of a document is left on a socket: it hears nothing, writes nothing, and may open it again", async () => {
  const { name } = await world.tenant.document();
  const socket = await raw();
  await socket.open(name, world.tenant.token);
  socket.send(rawFrame(name, FRAME.close));
  await socket.settled(name);
  expect(world.node.collaboration.documents.live(name)?.document.getConnectionsCount() ?? 0).toBe(
    0,
  );
  const doc = new Y.Doc();
  doc.getText("diagram").insert(0, "unheard");
  socket.send(syncFrame(name, SYNC.update, Y.encodeStateAsUpdate(doc)));
  await socket.settled(name);
  expect(socket.count(name, FRAME.syncStatus)).toBe(0);
  const other = await openWire({ url: world.node.url, name, token: world.tenant.token });
  world.clients.push(other);
  expect(other.document.getText("diagram").toJSON()).toBe("");
  await socket.open(name, world.tenant.token);
  expect(socket.closed).toBeNull();
});

test("[T48] frames to a document that was refused are answered with the refusal; the others on the socket live", async () => {
  const { name } = await world.tenant.document();
  const foreign = `document:${randomUUID()}`;
  const socket = await raw();
  await socket.open(name, world.tenant.token);
  await socket.open(foreign, world.tenant.token);
  expect(socket.count(foreign, FRAME.auth)).toBe(1);
  socket.send(syncFrame(foreign, SYNC.update, EMPTY_UPDATE));
  await until(() => socket.count(foreign, FRAME.auth) === 2);
  socket.send(syncFrame(name, SYNC.step1, EMPTY_STATE_VECTOR));
  await until(() => socket.count(name, FRAME.sync) >= 4);
  expect(socket.closed).toBeNull();
});

/** Names as people write them who want to see what happens. */
function hostileNames(count: number): string[] {
  const id = randomUUID();
  const written = [
    "",
    " ",
    "\0",
    "document:",
    "document",
    id,
    `document:${id.toUpperCase()}`,
    `document:${id} `,
    ` document:${id}`,
    `document:${id}\n`,
    `document:${id}\0`,
    `Document:${id}`,
    `comment:${id}`,
    `document:../../etc/passwd`,
    "../../../../etc/passwd",
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "document:__proto__",
    "hasOwnProperty",
    "document:' or 1=1 --",
    "'; drop table documents; --",
    `document:${id}'; delete from yjs_updates; --`,
    "document:$(id)",
    "{{7*7}}",
    "%00",
    "document:%2e%2e",
    "\u202Edocument",
    `\u202E${id}`,
    "ｄｏｃｕｍｅｎｔ",
    "\uFEFFdocument",
    "😀",
    `document:${id.replaceAll("-", "‐")}`,
    `document:{${id}}`,
    "x".repeat(127),
    "x".repeat(128),
    "x".repeat(1_000_000),
  ];
  const letters = ["\0", "/", "..", "'", '"', ";", ":", "-", "𝒂", "\u202E", "a", "0", "_", "{"];
  const made = Array.from({ length: count - written.length }, (_, index) =>
    Array.from({ length: 1 + (index % 9) }, (_each, at) => letters[(index * 7 + at * 5) % 14]).join(
      "",
    ),
  );
  return [...written, ...made];
}

test("[T40] 500 names that are none: 4400 each, and not a row is changed", async () => {
  const { sql } = world.database;
  const { name: known } = await world.tenant.document();
  const before = await fingerprintOf(sql, world.tenant);
  const [tables] = await sql`select count(*)::int as count from information_schema.tables`;
  const told = new Map<string, number>();
  const names = hostileNames(sized(120, 500));
  for (const name of names) {
    const socket = await raw();
    // Of a stranger not that much is read.
    if (name.length > 1000) await socket.open(known, world.tenant.token);
    socket.send(authFrame(name, world.tenant.token));
    const { code, reason } = await socket.untilClosed();
    told.set(`${code} ${reason}`, (told.get(`${code} ${reason}`) ?? 0) + 1);
    sockets.pop();
  }
  expect([...told.keys()].toSorted()).toEqual(["4400 bad_document_name", "4400 bad_frame"]);
  expect([...told.values()].reduce((sum, each) => sum + each, 0)).toBe(names.length);
  expect(await fingerprintOf(sql, world.tenant)).toBe(before);
  const [after] = await sql`select count(*)::int as count from information_schema.tables`;
  expect(after).toEqual(tables);
  await expectHealthy();
});
