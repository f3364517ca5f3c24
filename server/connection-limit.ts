import type { Server } from "node:http";
import type { OnLimit } from "../extensions/limits.ts";
import { networkOf, peerAddress } from "./client-address.ts";
import { Tally } from "../extensions/tally.ts";

/**
 * Hangs up on an address that has enough connections, before a byte of the next one is read: those that never send
 * the head of a request count as well. A trusted proxy may have any number; its clients are counted one by one where
 * their requests are read.
 */
export function limitConnections(
  http: Server,
  options: {
    readonly perAddress: number;
    readonly isProxy: (address: string) => boolean;
    readonly onLimit: OnLimit;
  },
): void {
  const open = new Tally(options.perAddress);
  http.on("connection", (tcp) => {
    const address = peerAddress(tcp);
    if (options.isProxy(address)) return;
    const release = open.take(networkOf(address));
    if (release !== null) {
      tcp.once("close", release);
      return;
    }
    options.onLimit("connections_per_address");
    tcp.destroy();
  });
}
