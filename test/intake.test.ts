import { expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { TokenBucket } from "../extensions/token-bucket.ts";
import { Intake } from "../server/intake.ts";
import { useRest } from "./support/rest.ts";
import { openWire } from "./support/wire-client.ts";

const plenty = () => new TokenBucket({ perSecond: 1e6, burst: 1e6 });

function socket() {
  const calls: string[] = [];
  const ws = { pause: () => calls.push("pause"), resume: () => calls.push("resume") };
  return { ws: ws as unknown as WebSocket, calls };
}

test("[A4] who keeps the process busy for too long is not read until it is paid for, on none of his sockets", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    const busy = new TokenBucket({ perSecond: 500, burst: 5000 });
    const [one, other, stranger] = [socket(), socket(), socket()];
    const limits: string[] = [];
    const open = ({ ws }: { ws: WebSocket }, bucket: TokenBucket): Intake => {
      const intake = new Intake(ws, [plenty()], (limit) => limits.push(limit));
      intake.add({ frames: plenty(), busy: bucket });
      return intake;
    };
    const first = open(one, busy);
    const second = open(other, busy);
    const third = open(stranger, new TokenBucket({ perSecond: 500, burst: 5000 }));
    first.busyFor(4999);
    expect(one.calls).toEqual([]);
    // Five seconds and a half: it takes a second to pay for.
    first.busyFor(501);
    second.received(10);
    third.received(10);
    expect([one.calls, other.calls, stranger.calls]).toEqual([["pause"], ["pause"], []]);
    await vi.advanceTimersByTimeAsync(999);
    expect(one.calls).toEqual(["pause"]);
    await vi.advanceTimersByTimeAsync(2);
    expect([one.calls.at(-1), other.calls.at(-1)]).toEqual(["resume", "resume"]);
    expect(limits).toEqual(["updates_busy", "updates_busy"]);
    for (const intake of [first, second, third]) intake.close();
  } finally {
    vi.useRealTimers();
  }
});

test("a bucket that refused is short until it has what was asked for, whoever asks meanwhile", () => {
  let nowMs = 0;
  const bucket = new TokenBucket({ perSecond: 10, burst: 100 }, () => nowMs);
  expect([bucket.tryTake(80), bucket.isShort]).toEqual([true, false]);
  expect([bucket.tryTake(50), bucket.isShort]).toEqual([false, true]);
  nowMs = 2900;
  expect(bucket.isShort).toBe(true);
  nowMs = 3100;
  expect([bucket.isShort, bucket.tryTake(50), bucket.isShort]).toEqual([false, true, false]);
  // More than it ever holds: until it is full.
  expect([bucket.tryTake(1000), bucket.isShort]).toEqual([false, true]);
  nowMs = 20_000;
  expect(bucket.isShort).toBe(false);
});

test("[A4] what the updates of a real socket cost comes to its intake", async () => {
  const counted = vi.spyOn(Intake.prototype, "busyFor");
  const { rest, tenant } = await useRest();
  const { name } = await tenant.document();
  const url = `${rest.url.replace("http", "ws")}/collaboration`;
  const client = await openWire({ url, name, token: tenant.token });
  await client.answered();
  const before = counted.mock.calls.length;
  client.document.getText("diagram").insert(0, "a");
  await client.answered();
  expect(counted.mock.calls.length).toBe(before + 1);
  await client.close();
});
