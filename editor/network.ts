import type { Collaboration } from "../client/collaboration.ts";

/**
 * Believes the browser when it says that the network is gone or back. A socket learns of the first after half a
 * minute without an answer, and would sleep through the second for as long as its delay has grown.
 */
export function followNetwork(collaboration: Collaboration): void {
  globalThis.addEventListener("offline", () => {
    if (collaboration.status === "rejected") return;
    collaboration.disconnect();
    // A server on this very computer is there without a network.
    collaboration.reconnect();
  });
  globalThis.addEventListener("online", () => {
    const { status } = collaboration;
    if (status === "offline" || status === "connecting") collaboration.reconnect();
  });
}
