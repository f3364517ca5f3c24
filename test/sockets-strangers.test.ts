import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { FRAME, SYNC, syncFrame } from "../bench/wire.ts";
import { useLimitedNodes } from "./support/limited-nodes.ts";
import { openRaw, rawFrame } from "./support/raw-socket.ts";
import { until } from "./support/until.ts";

const nodes = useLimitedNodes();

const MIB = 1024 * 1024;

describe("[T36] before anything is allocated", () => {
  test("a frame of 100 MB is refused by its head, of a stranger and of who is signed in", async () => {
    const node = await nodes.start();
    const { name } = await nodes.tenant.document();
    for (const socket of [await nodes.raw(node), await nodes.open(node, name)]) {
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
    const node = await nodes.start();
    const { name } = await nodes.tenant.document();
    const queued = await nodes.raw(node);
    const half = await nodes.raw(node);
    for (let count = 0; count < 30; count += 1) {
      queued.send(syncFrame(name, SYNC.update, new Uint8Array(10_000)));
    }
    half.ws.send(new Uint8Array(200_000), { fin: false });
    half.ws.send(new Uint8Array(100_000), { fin: false });
    for (const socket of [queued, half]) {
      expect(await socket.untilClosed()).toEqual({ code: 4429, reason: "too_many_requests" });
    }
    expect(await nodes.reached(node, "bytes_before_sign_in")).toBe(2);
  });

  test("compression is not agreed to, and a compressed frame costs the socket", async () => {
    const node = await nodes.start();
    const socket = await openRaw(node.url, { perMessageDeflate: true });
    expect(socket.ws.extensions).toBe("");
    const bomb = Buffer.from([0xc2, 0x84, 0, 0, 0, 0, 1, 2, 3, 4]);
    (socket.ws as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(bomb);
    expect((await socket.untilClosed()).code).toBe(1002);
  });

  test("an upgrade that trickles is hung up on", { timeout: 40_000 }, async () => {
    const { port } = await nodes.start();
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
    const node = await nodes.start({ SIGN_IN_WITHIN_MS: "300" });
    const { name } = await nodes.tenant.document();
    const [silent, talking, left, signedIn] = [
      await nodes.raw(node),
      await nodes.raw(node),
      await nodes.raw(node),
      await nodes.open(node, name),
    ];
    const talk = setInterval(() => talking.send(rawFrame(name, FRAME.ping)), 50);
    await left.open(name, nodes.tenant.token);
    left.send(rawFrame(name, FRAME.close));
    for (const socket of [silent, talking, left]) {
      expect(await socket.untilClosed()).toEqual({ code: 4408, reason: "timed_out" });
    }
    clearInterval(talk);
    await signedIn.settled(name);
    expect([signedIn.closed, await nodes.reached(node, "sign_in_in_time")]).toEqual([null, 3]);
  });

  test("do not keep out who signs in: an address may have only so many of them", async () => {
    const node = await nodes.start({ NOT_SIGNED_IN_PER_ADDRESS: "2" });
    const { name } = await nodes.tenant.document();
    await nodes.open(node, name);
    await nodes.open(node, name);
    const [first] = [await nodes.raw(node), await nodes.raw(node)];
    expect(await nodes.upgrade(node)).toBe(429);
    first.ws.terminate();
    await until(async () => (await nodes.upgrade(node)) === 101);
    expect(await nodes.reached(node, "not_signed_in_per_address")).toBeGreaterThan(0);
  });
});

test("an address has so many connections, and gets them back when they end", async () => {
  const node = await nodes.start({ CONNECTIONS_PER_ADDRESS: "3" });
  const idle = [0, 1, 2].map(() => connect(node.port, "127.0.0.1"));
  await Promise.all(idle.map((tcp) => once(tcp, "connect")));
  await until(async () => (await nodes.upgrade(node)) === 0);
  for (const tcp of idle) tcp.destroy();
  await until(async () => (await nodes.upgrade(node)) === 101);
});
