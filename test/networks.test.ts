import { expect, test } from "vitest";
import { coarseNetworkOf } from "../schema/networks.ts";
import { networkOf } from "../server/client-address.ts";

test.each([
  ["203.0.113.9", "203.0.113.9", "203.0.113.0/24"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"],
  ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64", "2001:db8:1::/48"],
  ["2001:db8::1", "2001:db8:0:0::/64", "2001:db8:0::/48"],
  ["::1", "0:0:0:0::/64", "0:0:0::/48"],
])("%s counts as %s, and %s is kept of it", (address, network, coarse) => {
  expect(networkOf(address)).toBe(network);
  expect(coarseNetworkOf(network)).toBe(coarse);
});
