/** An IPv4 address that came by an IPv6 socket. */
const MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/iu;

/**
 * Whom limits count as one: an IPv4 address, or the /64 of an IPv6 address, all of which one person has.
 * What is no address is taken as it is.
 */
export function networkOf(address: string): string {
  const plain = address.replace(MAPPED, "");
  return plain.includes(":") ? `${groupsOf(plain).slice(0, 4).join(":")}::/64` : plain;
}

/** What is kept of an address for good: enough to tell one provider from another, too little to find a person. */
export function coarseNetworkOf(address: string): string {
  const plain = address.replace(MAPPED, "");
  if (plain.includes(":")) return `${groupsOf(plain).slice(0, 3).join(":")}::/48`;
  return `${plain.split(".").slice(0, 3).join(".")}.0/24`;
}

/** The eight groups of an IPv6 address; a zone (`%eth0`) does not count. */
function groupsOf(address: string): string[] {
  const [head = "", tail] = (address.split("%", 1)[0] ?? "").toLowerCase().split("::");
  const [before, after] = [head, tail ?? ""].map((part) => (part === "" ? [] : part.split(":")));
  const missing = Math.max(0, 8 - (before?.length ?? 0) - (after?.length ?? 0));
  return [...(before ?? []), ...Array.from({ length: missing }, () => "0"), ...(after ?? [])].map(
    (group) => group.replace(/^0+(?=.)/u, ""),
  );
}
