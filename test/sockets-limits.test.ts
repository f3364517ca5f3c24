import { describe, expect, test } from "vitest";
import { authFrame, EMPTY_STATE_VECTOR, FRAME, SYNC, syncFrame } from "../bench/wire.ts";
import { useLimitedNodes } from "./support/limited-nodes.ts";
import { presenceFrame, rawFrame } from "./support/raw-socket.ts";
import { sized } from "./support/size.ts";
import { until } from "./support/until.ts";
import { openWire } from "./support/wire-client.ts";

const nodes = useLimitedNodes();

type TestNode = Awaited<ReturnType<typeof nodes.start>>;

/** A document with so many bytes of text. */
async function largeDocument(node: TestNode, bytes: number): Promise<string> {
  const { name } = await nodes.tenant.document();
  const writer = await openWire({ url: node.url, name, token: nodes.tenant.token });
  const text = writer.document.getText("diagram");
  for (let left = bytes; left > 0; left -= 500_000) {
    text.insert(text.length, "x".repeat(Math.min(left, 500_000)));
  }
  await writer.answered();
  expect([writer.closed, writer.refused]).toEqual([null, 0]);
  await writer.close();
  return name;
}

test("[T31] who opens a document that is larger than the limit is no slow reader", async () => {
  const node = await nodes.start({ SLOW_READER_BYTES: "100000" });
  const name = await largeDocument(node, 3_000_000);
  for (let count = 0; count < 3; count += 1) {
    const reader = await nodes.open(node, name);
    const [answer = new Uint8Array()] = reader.received.filter(({ length }) => length > 2_900_000);
    expect([reader.closed, answer.length > 2_900_000]).toEqual([null, true]);
  }
  expect(await nodes.reached(node, "slow_reader")).toBe(0);
});

test("[T32] who reads what he asked for is closed with 4429 as well, after twenty answers", async () => {
  const node = await nodes.start();
  const { name } = await nodes.tenant.document();
  const socket = await nodes.open(node, name);
  for (let count = 0; count < 10_000; count += 1) {
    socket.send(syncFrame(name, SYNC.step1, EMPTY_STATE_VECTOR));
  }
  expect(await socket.untilClosed()).toEqual({ code: 4429, reason: "too_many_requests" });
  expect(await nodes.reached(node, "asking_per_second")).toBe(1);
  // Each answer comes with a question back.
  expect(socket.count(name, FRAME.sync)).toBeLessThanOrEqual(2 * 21);
});

test("a principal has so many sockets, a document so many connections, a socket so many documents", async () => {
  const node = await nodes.start({ SOCKETS_PER_PRINCIPAL: "2" });
  const { name } = await nodes.tenant.document();
  const first = await nodes.open(node, name);
  await nodes.open(node, name);
  const third = await nodes.raw(node);
  third.send(authFrame(name, nodes.tenant.token));
  expect(await third.untilClosed()).toEqual({ code: 4429, reason: "too_many_requests" });
  first.ws.terminate();
  await until(async () => {
    const next = await nodes.raw(node);
    await next.open(name, nodes.tenant.token);
    return next.closed === null;
  });

  const crowded = await nodes.start({ SOCKETS_PER_DOCUMENT: "2" });
  await nodes.open(crowded, name);
  await nodes.open(crowded, name);
  const late = await nodes.raw(crowded);
  late.send(authFrame(name, nodes.tenant.token));
  expect(await late.untilClosed()).toEqual({ code: 4429, reason: "too_many_requests" });

  const narrow = await nodes.start({ DOCUMENTS_PER_SOCKET: "2" });
  const socket = await nodes.open(narrow, name);
  await socket.open((await nodes.tenant.document()).name, nodes.tenant.token);
  const tooMany = (await nodes.tenant.document()).name;
  await socket.open(tooMany, nodes.tenant.token);
  expect([socket.closed, socket.count(tooMany, FRAME.sync)]).toEqual([null, 0]);
  expect(await nodes.reached(narrow, "documents_per_socket")).toBe(1);
});

test("who sends faster than he may is read slower, loses nothing, and holds nobody up", async () => {
  const node = await nodes.start({ FRAMES_PER_SECOND: "1000" });
  const { name } = await nodes.tenant.document();
  const writer = await openWire({ url: node.url, name, token: nodes.tenant.token });
  const other = await openWire({
    url: node.url,
    name: (await nodes.tenant.document()).name,
    token: nodes.tenant.token,
  });
  const text = writer.document.getText("diagram");
  for (let count = 0; count < 5000; count += 1) text.insert(0, "x");
  other.document.getText("diagram").insert(0, "unhindered");
  await other.answered();
  expect(writer.accepted).toBeLessThan(5000);
  await writer.answered();
  expect([writer.closed, writer.refused, writer.accepted]).toEqual([null, 0, writer.sent]);
  expect(await nodes.reached(node, "frames_per_second")).toBeGreaterThan(0);
  await Promise.all([writer.close(), other.close()]);
});

test("tokens that are sent over and over cost the socket", async () => {
  const node = await nodes.start();
  const { name } = await nodes.tenant.document();
  const socket = await nodes.open(node, name);
  for (let count = 0; count < 300; count += 1) socket.send(authFrame(name, nodes.tenant.token));
  expect((await socket.untilClosed()).code).toBe(4429);
});

test("presence and stateless messages are worth little: a large one is refused, a small one is answered (400) or passed over", async () => {
  const node = await nodes.start();
  const { name } = await nodes.tenant.document();
  const socket = await nodes.open(node, name);
  await socket.settled(name);
  const heard = socket.received.length;
  socket.send(presenceFrame(name, []), rawFrame(name, 5, new Uint8Array(1000)));
  await until(() => socket.count(name, 5) === 1);
  await socket.settled(name);
  const [answer, pong, ...others] = socket.received.slice(heard);
  expect(Buffer.from(answer ?? []).toString()).toContain('"status":400');
  expect([pong?.[1 + name.length], others, socket.closed]).toEqual([FRAME.pong, [], null]);
  socket.send(rawFrame(name, 5, new Uint8Array(70_000)));
  expect(await socket.untilClosed()).toEqual({ code: 4413, reason: "too_large" });
});

describe("REST", () => {
  const ask = (node: TestNode, token = nodes.tenant.token): Promise<Response> =>
    fetch(`http://127.0.0.1:${node.port}/api/v1/me`, {
      headers: { authorization: `Bearer ${token}` },
    });

  test.each([["REQUESTS_PER_SECOND_PER_ADDRESS"], ["REQUESTS_PER_SECOND_PER_PRINCIPAL"]])(
    "has a limit: %s, ten times as many at once, then 429 and when to come back",
    async (variable) => {
      const node = await nodes.start({ [variable]: "1" });
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
      expect(await nodes.reached(node, "requests_per_second")).toBeGreaterThan(0);
      await until(async () => (await ask(node)).status === 200);
    },
  );
});

test("a reconnecting herd of one principal from one address comes through", async () => {
  const node = await nodes.start();
  const { name } = await nodes.tenant.document();
  const clients = await Promise.all(
    Array.from({ length: sized(100, 1000) }, () =>
      openWire({ url: node.url, name, token: nodes.tenant.token }),
    ),
  );
  expect(clients.every(({ closed }) => closed === null)).toBe(true);
  await Promise.all(clients.map((client) => client.close()));
});
