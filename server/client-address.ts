import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv6, type Socket } from "node:net";

/** Who is at the other end of a request: an IP address, as people write it. */
export type ClientAddress = (request: IncomingMessage) => string;

/** Who is on the other end of a connection: maybe a proxy. */
export const peerAddress = ({ remoteAddress = "" }: Pick<Socket, "remoteAddress">): string =>
  plain(remoteAddress);

/** Whether an address is one of these: addresses and CIDR ranges, as {@link isAddressRange} accepts them. */
export function createAddressCheck(ranges: readonly string[]): (address: string) => boolean {
  const list = blockListOf(ranges);
  return (address) => isIP(address) !== 0 && list.check(address, familyOf(address));
}

/**
 * The address of a request's client: the TCP peer's. Only where the peer is a trusted proxy it is what that proxy
 * wrote last into X-Forwarded-For, past every other trusted proxy; whatever stands before that is anybody's word.
 */
export function createClientAddress(isProxy: (address: string) => boolean): ClientAddress {
  return ({ socket, headers }) => {
    const hops = [headers["x-forwarded-for"] ?? []].flat().join(",").split(",");
    let address = peerAddress(socket);
    while (isProxy(address)) {
      const before = plain(withoutPort(hops.pop()?.trim() ?? ""));
      // Nobody before it, or no address: then the proxy itself is the last who is known.
      if (isIP(before) === 0) break;
      address = before;
    }
    return address;
  };
}

/** Whom a limit for an address counts: one IPv6 customer has a network of 64 bits, so all of it counts as one. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [before = "", after] = address.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  const groups = [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill("0")];
  const network = [...groups, ...tail].slice(0, 4).map((group) => Number.parseInt(group, 16));
  return `${network.map((group) => group.toString(16)).join(":")}::/64`;
}

/** True for `192.0.2.7`, `10.0.0.0/8`, `::1`, `fd00::/8`. */
export function isAddressRange(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  if (isIP(address) === 0 || rest.length > 0) return false;
  if (bits === undefined) return true;
  return /^\d{1,3}$/u.test(bits) && Number(bits) <= (isIPv6(address) ? 128 : 32);
}

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    if (bits === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
}

const familyOf = (address: string): "ipv4" | "ipv6" => (isIPv6(address) ? "ipv6" : "ipv4");

/** A socket that listens for both families writes IPv4 addresses as `::ffff:192.0.2.7`. */
const plain = (address: string): string => address.replace(/^::ffff:(?=[\d.]+$)/iu, "");

/** Some proxies write `192.0.2.7:4711` or `[2001:db8::1]:4711`. */
const withoutPort = (hop: string): string =>
  /^\[(?<v6>[^\]]+)\](?::\d+)?$/u.exec(hop)?.groups?.["v6"] ??
  /^(?<v4>[\d.]+):\d+$/u.exec(hop)?.groups?.["v4"] ??
  hop;
