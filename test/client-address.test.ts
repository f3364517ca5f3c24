import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import {
  createAddressCheck,
  createClientAddress,
  isAddressRange,
  networkOf,
} from "../server/client-address.ts";
import { TokenBucket } from "../extensions/token-bucket.ts";

const requestFrom = (remoteAddress: string, forwarded?: string): IncomingMessage =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
  }) as unknown as IncomingMessage;

const PROXIES = ["10.0.0.0/8", "192.0.2.1", "fd00::/8"];

test.each([
  // Nobody is trusted who is not listed, whatever he writes.
  ["198.51.100.7", "203.0.113.9", "198.51.100.7"],
  ["198.51.100.7", undefined, "198.51.100.7"],
  ["::ffff:198.51.100.7", undefined, "198.51.100.7"],
  // The last who was not a proxy; what stands before him he may have made up.
  ["10.1.2.3", "203.0.113.9", "203.0.113.9"],
  ["10.1.2.3", "1.1.1.1, 203.0.113.9, 192.0.2.1", "203.0.113.9"],
  ["::ffff:10.1.2.3", "203.0.113.9:4711", "203.0.113.9"],
  ["fd00::5", "[2001:db8::9]:443", "2001:db8::9"],
  ["10.1.2.3", "2001:db8::9", "2001:db8::9"],
  // Only proxies, nobody, or nonsense: the proxy itself is all that is known.
  ["10.1.2.3", "10.9.9.9", "10.9.9.9"],
  ["10.1.2.3", undefined, "10.1.2.3"],
  ["10.1.2.3", "unknown", "10.1.2.3"],
  ["10.1.2.3", "1.1.1.1, ' or 1=1", "10.1.2.3"],
])("a request of %s that was forwarded for %s is from %s", (peer, forwarded, expected) => {
  expect(createClientAddress(createAddressCheck(PROXIES))(requestFrom(peer, forwarded))).toBe(
    expected,
  );
});

test("without trusted proxies nobody is believed", () => {
  expect(createClientAddress(createAddressCheck([]))(requestFrom("127.0.0.1", "203.0.113.9"))).toBe(
    "127.0.0.1",
  );
});

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::1", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
])("the limits of %s are those of %s", (address, expected) => {
  expect(networkOf(address)).toBe(expected);
});

test.each([
  ["192.0.2.7", true],
  ["10.0.0.0/8", true],
  ["fd00::/8", true],
  ["10.0.0.0/33", false],
  ["10.0.0.0/", false],
  ["10.0.0/8", false],
  ["10.0.0.0/8/8", false],
  ["localhost", false],
])("%s is a range of addresses: %s", (text, expected) => {
  expect(isAddressRange(text)).toBe(expected);
});

test("a token bucket gives its burst at once, then its rate, and asks for its debt first", () => {
  let nowMs = 0;
  const bucket = new TokenBucket({ perSecond: 10, burst: 20 }, () => nowMs);
  expect(bucket.take(20)).toBe(true);
  expect(bucket.tryTake()).toBe(false);
  nowMs = 100;
  expect([bucket.tryTake(), bucket.tryTake()]).toEqual([true, false]);
  expect(bucket.take(5)).toBe(false);
  expect(bucket.owedMs).toBe(500);
  nowMs = 600;
  expect(bucket.owedMs).toBe(0);
  expect(bucket.take()).toBe(false);
  // However long nothing comes, no more than the burst is saved up.
  nowMs = 1_000_000;
  expect(bucket.isFull).toBe(true);
  expect([bucket.take(20), bucket.tryTake()]).toEqual([true, false]);
});
