import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { authFrame, EMPTY_STATE_VECTOR, FRAME, SYNC, syncFrame } from "../bench/wire.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { startTestNode } from "./support/node.ts";
import { openRaw, presenceFrame, rawFrame, type RawSocket } from "./support/raw-socket.ts";
import { sized } from "./support/size.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { openWire } from "./support/wire-client.ts";

let database: TestDatabase;
let tenant: Tenant;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database.sql);
  return () => database.close();
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

type TestNode = Awaited<ReturnType<typeof startTestNode>>;

async function start(environment: Record<string, string> = {}): Promise<TestNode> {
  const node = await startTestNode(database, environment);
  ends.push(() => node.close());
  return node;
}

async function raw({ url }: TestNode): Promise<RawSocket> {
  const socket = await openRaw(url);
  ends.push(() => socket.ws.terminate());
  return socket;
}

async function open(node: TestNode, name: string): Promise<RawSocket> {
  const socket = await raw(node);
  await socket.open(name, tenant.token);
  return socket;
}

async function reached({ port }: TestNode, limit: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = new RegExp(`limits_reached_total\\{limit="${limit}"\\} (\\d+)`, "u").exec(text);
  return Number(line?.[1]);
}

/** The status of an upgrade that is refused; 101 for one that is not. */
const upgrade = ({ url }: TestNode): Promise<number> =>
  new Promise((resolve) => {
    const socket = new WebSocket(url);
    ends.push(() => socket.terminate());
    socket.on("error", () => undefined);
    socket.once("open", () => resolve(101));
    socket.once("unexpected-response", (_request, { statusCode }) => resolve(statusCode ?? 0));
    socket.once("close", () => resolve(0));
  });

/** A document with so many bytes of text. */
async function largeDocument(node: TestNode, bytes: number): Promise<string> {
  const { name } = await tenant.document();
  const writer = await openWire({ url: node.url, name, token: tenant.token });
  const text = writer.document.getText("diagram");
  for (let left = bytes; left > 0; left -= 500_000) {
    text.insert(text.length, "x".repeat(Math.min(left, 500_000)));
  }
  await writer.answered();
  expect([writer.closed, writer.refused]).toEqual([null, 0]);
  await writer.close();
  return name;
}

const MIB = 1024 * 1024;

describe("[T31] slow readers", () => {
  test("are cut off with 4408 when too much waits for them; everybody else is unaffected", async () => {
    const node = await start({ SLOW_READER_BYTES: String(MIB), FRAMES_PER_SECOND: "1000000" });
    const { name } = await tenant.document();
    const writer = await openWire({ url: node.url, name, token: tenant.token });
    const healthy = await open(node, name);
    const paused: RawSocket[] = [];
    for (let count = sized(5, 100); count > 0; count -= 1) paused.push(await open(node, name));
    for (const { ws } of paused) ws.pause();
    const text = writer.document.getText("diagram");
    const chunk = "x".repeat(200_000);
    while ((await reached(node, "slow_reader")) < paused.length) {
      text.insert(0, chunk);
      text.delete(0, chunk.length);
      await writer.answered();
      expect(writer.closed).toBeNull();
    }
    for (const { ws } of paused) ws.resume();
    for (const socket of paused) await socket.untilClosed();
    const codes = new Set(paused.map(({ closed }) => closed?.code));
    // Who reads what waited for him hears why; who is too late for that is cut off without a word.
    expect([...codes].filter((code) => code !== 4408 && code !== 1006)).toEqual([]);
    expect(codes).toContain(4408);
    await healthy.settled(name);
    expect([healthy.closed, writer.closed]).toEqual([null, null]);
    await writer.close();
  });

  test("are not those who open a document that is larger than the limit", async () => {
    const node = await start({ SLOW_READER_BYTES: "100000" });
    const name = await largeDocument(node, 3_000_000);
    for (let count = 0; count < 3; count += 1) {
      const reader = await open(node, name);
      const [answer = new Uint8Array()] = reader.received.filter(
        ({ length }) => length > 2_900_000,
      );
      expect([reader.closed, answer.length > 2_900_000]).toEqual([null, true]);
    }
    expect(await reached(node, "slow_reader")).toBe(0);
  });
});

test("[T32] 10,000 SyncStep1 of one client: closed with 4429, and the memory stays", async () => {
  const node = await start();
  const name = await largeDocument(node, sized(2_000_000, 5_000_000));
  const socket = await open(node, name);
  socket.ws.pause();
  const before = process.memoryUsage.rss();
  for (let count = 0; count < 10_000; count += 1) {
    socket.send(syncFrame(name, SYNC.step1, EMPTY_STATE_VECTOR));
  }
  let most = 0;
  await until(() => {
    most = Math.max(most, process.memoryUsage.rss());
    return node.collaboration.documents.live(name) === undefined;
  });
  // A hundred megabytes, and what the test itself holds: it is the same process.
  expect(most - before).toBeLessThan(150 * MIB);
  socket.ws.resume();
  expect([4408, 4429]).toContain((await socket.untilClosed()).code);
  expect((await reached(node, "asking_per_second")) + (await reached(node, "slow_reader"))).toBe(1);
  const again = await open(node, name);
  expect(again.closed).toBeNull();
});

test("[T32] who reads what he asked for is closed with 4429 as well, after twenty answers", async () => {
  const node = await start();
  const { name } = await tenant.document();
  const socket = await open(node, name);
  for (let count = 0; count < 10_000; count += 1) {
    socket.send(syncFrame(name, SYNC.step1, EMPTY_STATE_VECTOR));
  }
  expect(await socket.untilClosed()).toEqual({ code: 4429, reason: "too_many_requests" });
  expect(await reached(node, "asking_per_second")).toBe(1);
  // Each answer comes with a question back.
  expect(socket.count(name, FRAME.sync)).toBeLessThanOrEqual(2 * 21);
});

describe("[T36] before anything is allocated", () => {
  test("a frame of 100 MB is refused by its head, of a stranger and of who is signed in", async () => {
    const node = await start();
    const { name } = await tenant.document();
    for (const socket of [await raw(node), await open(node, name)]) {
      const before = process.memoryUsage().arrayBuffers;
      const head = Buffer.alloc(14);
      head.writeUInt8(0x82, 0);
      head.writeUInt8(0x80 | 127, 1);
      head.writeBigUInt64BE(100_000_000n, 2);
      (socket.ws as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(head);
      expect((await socket.untilClosed()).code).toBe(1009);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 * MIB);
    }
  });

  test("a stranger who sends 256 KiB, whole frames or not, is closed with 4429", async () => {
    const node = await start();
    const { name } = await tenant.document();
    const queued = await raw(node);
    const half = await raw(node);
    for (let count = 0; count < 30; count += 1) {
      queued.send(syncFrame(name, SYNC.update, new Uint8Array(10_000)));
    }
    half.ws.send(new Uint8Array(200_000), { fin: false });
    half.ws.send(new Uint8Array(100_000), { fin: false });
    for (const socket of [queued, half]) {
      expect(await socket.untilClosed()).toEqual({ code: 4429, reason: "too_many_requests" });
    }
    expect(await reached(node, "bytes_before_sign_in")).toBe(2);
  });

  test("compression is not agreed to, and a compressed frame costs the socket", async () => {
    const node = await start();
    const socket = await openRaw(node.url, { perMessageDeflate: true });
    expect(socket.ws.extensions).toBe("");
    const bomb = Buffer.from([0xc2, 0x84, 0, 0, 0, 0, 1, 2, 3, 4]);
    (socket.ws as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(bomb);
    expect((await socket.untilClosed()).code).toBe(1002);
  });

  test("an upgrade that trickles is hung up on", { timeout: 40_000 }, async () => {
    const { port } = await start();
    const tcp = connect(port, "127.0.0.1");
    tcp.on("error", () => undefined);
    await once(tcp, "connect");
    tcp.write("GET /collaboration HTTP/1.1\r\nHost: x\r\n");
    const trickle = setInterval(() => tcp.write("X-A: b\r\n"), 200);
    let answer = "";
    tcp.on("data", (bytes) => {
      answer += bytes.toString();
    });
    await once(tcp, "close");
    clearInterval(trickle);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /u);
  });
});

describe("sockets that nobody signs in on", () => {
  test("are closed with 4408 in time; one that only talks, or has closed its document, as well", async () => {
    const node = await start({ SIGN_IN_WITHIN_MS: "300" });
    const { name } = await tenant.document();
    const [silent, talking, left, signedIn] = [
      await raw(node),
      await raw(node),
      await raw(node),
      await open(node, name),
    ];
    const talk = setInterval(() => talking.send(rawFrame(name, FRAME.ping)), 50);
    await left.open(name, tenant.token);
    left.send(rawFrame(name, FRAME.close));
    for (const socket of [silent, talking, left]) {
      expect(await socket.untilClosed()).toEqual({ code: 4408, reason: "timed_out" });
    }
    clearInterval(talk);
    await signedIn.settled(name);
    expect([signedIn.closed, await reached(node, "sign_in_in_time")]).toEqual([null, 3]);
  });

  test("do not keep out who signs in: an address may have only so many of them", async () => {
    const node = await start({ NOT_SIGNED_IN_PER_ADDRESS: "2" });
    const { name } = await tenant.document();
    await open(node, name);
    await open(node, name);
    const [first] = [await raw(node), await raw(node)];
    expect(await upgrade(node)).toBe(429);
    first.ws.terminate();
    await until(async () => (await upgrade(node)) === 101);
    expect(await reached(node, "not_signed_in_per_address")).toBeGreaterThan(0);
  });
});

test("an address has so many connections, and gets them back when they end", async () => {
  const node = await start({ CONNECTIONS_PER_ADDRESS: "3" });
  const idle = [0, 1, 2].map(() => connect(node.port, "127.0.0.1"));
  await Promise.all(idle.map((tcp) => once(tcp, "connect")));
  await until(async () => (await upgrade(node)) === 0);
  for (const tcp of idle) tcp.destroy();
  await until(async () => (await upgrade(node)) === 101);
});

test("a principal has so many sockets, a document so many connections, a socket so many documents", async () => {
  const node = await start({ SOCKETS_PER_PRINCIPAL: "2" });
  const { name } = await tenant.document();
  const first = await open(node, name);
  await open(node, name);
  const third = await raw(node);
  third.send(authFrame(name, tenant.token));
  expect(await third.untilClosed()).toEqual({ code: 4429, reason: "too_many_requests" });
  first.ws.terminate();
  await until(async () => {
    const next = await raw(node);
    await next.open(name, tenant.token);
    return next.closed === null;
  });

  const crowded = await start({ SOCKETS_PER_DOCUMENT: "2" });
  await open(crowded, name);
  await open(crowded, name);
  const late = await raw(crowded);
  late.send(authFrame(name, tenant.token));
  expect(await late.untilClosed()).toEqual({ code: 4429, reason: "too_many_requests" });

  const narrow = await start({ DOCUMENTS_PER_SOCKET: "2" });
  const socket = await open(narrow, name);
  await socket.open((await tenant.document()).name, tenant.token);
  const tooMany = (await tenant.document()).name;
  await socket.open(tooMany, tenant.token);
  expect([socket.closed, socket.count(tooMany, FRAME.sync)]).toEqual([null, 0]);
  expect(await reached(narrow, "documents_per_socket")).toBe(1);
});

test("who sends faster than he may is read slower, loses nothing, and holds nobody up", async () => {
  const node = await start({ FRAMES_PER_SECOND: "1000" });
  const { name } = await tenant.document();
  const writer = await openWire({ url: node.url, name, token: tenant.token });
  const other = await openWire({
    url: node.url,
    name: (await tenant.document()).name,
    token: tenant.token,
  });
  const text = writer.document.getText("diagram");
  for (let count = 0; count < 5000; count += 1) text.insert(0, "x");
  other.document.getText("diagram").insert(0, "unhindered");
  await other.answered();
  expect(writer.accepted).toBeLessThan(5000);
  await writer.answered();
  expect([writer.closed, writer.refused, writer.accepted]).toEqual([null, 0, writer.sent]);
  expect(await reached(node, "frames_per_second")).toBeGreaterThan(0);
  await Promise.all([writer.close(), other.close()]);
});

test("tokens that are sent over and over cost the socket", async () => {
  const node = await start();
  const { name } = await tenant.document();
  const socket = await open(node, name);
  for (let count = 0; count < 300; count += 1) socket.send(authFrame(name, tenant.token));
  expect((await socket.untilClosed()).code).toBe(4429);
});

test("presence and stateless messages are worth little: a large one is refused, small ones are passed over", async () => {
  const node = await start();
  const { name } = await tenant.document();
  const socket = await open(node, name);
  socket.send(rawFrame(name, 5, new Uint8Array(1000)), presenceFrame(name, []));
  await socket.settled(name);
  expect(socket.closed).toBeNull();
  socket.send(rawFrame(name, 5, new Uint8Array(70_000)));
  expect(await socket.untilClosed()).toEqual({ code: 4413, reason: "too_large" });
});

describe("REST", () => {
  const ask = (node: TestNode, token = tenant.token): Promise<Response> =>
    fetch(`http://127.0.0.1:${node.port}/api/v1/me`, {
      headers: { authorization: `Bearer ${token}` },
    });

  test.each([["REQUESTS_PER_SECOND_PER_ADDRESS"], ["REQUESTS_PER_SECOND_PER_PRINCIPAL"]])(
    "has a limit: %s, ten times as many at once, then 429 and when to come back",
    async (variable) => {
      const node = await start({ [variable]: "1" });
      const statuses: number[] = [];
      let last = await ask(node);
      for (let count = 0; count < 15; count += 1) {
        statuses.push(last.status);
        last = await ask(node);
      }
      expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 200));
      expect(statuses).toContain(429);
      expect(last.headers.get("retry-after")).toBe("1");
      expect(((await last.json()) as { code: string }).code).toBe("too_many_requests");
      expect(await reached(node, "requests_per_second")).toBeGreaterThan(0);
      await until(async () => (await ask(node)).status === 200);
    },
  );
});

test("a reconnecting herd of one principal from one address comes through", async () => {
  const node = await start();
  const { name } = await tenant.document();
  const clients = await Promise.all(
    Array.from({ length: sized(100, 1000) }, () =>
      openWire({ url: node.url, name, token: tenant.token }),
    ),
  );
  expect(clients.every(({ closed }) => closed === null)).toBe(true);
  await Promise.all(clients.map((client) => client.close()));
});
