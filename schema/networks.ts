/**
 * What is kept of a network for good, where it comes as `203.0.113.9` or `2001:db8:1:2::/64`: its /24 or /48. Enough to
 * tell one provider from another, too little to find a person.
 */
export function coarseNetworkOf(network: string): string {
  return network.includes(":")
    ? `${network.split(":").slice(0, 3).join(":")}::/48`
    : `${network.split(".").slice(0, 3).join(".")}.0/24`;
}
