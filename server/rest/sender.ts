import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import { networkOf, type ClientAddress } from "../client-address.ts";

/** Where a request comes from, as far as the socket and the caller tell. */
export type Sender = {
  readonly ipAddress: string | null;
  /** The same for limits, as `networkOf` writes it. */
  readonly network: string;
  readonly userAgent: string | null;
};

/** A header may be as long as all of them together; a list of sessions needs less. */
const MAX_USER_AGENT_LENGTH = 300;

/** The address of whoever sent a request; null for one that was made without a socket. */
export function clientOf(context: Context, clientAddress: ClientAddress): string | null {
  // `@hono/node-server` puts Node's own request here.
  const { incoming } = (context.env ?? {}) as { incoming?: IncomingMessage };
  return incoming === undefined ? null : clientAddress(incoming);
}

/** The sender of a request. */
export function senderOf(context: Context, clientAddress: ClientAddress): Sender {
  const userAgent = context.req.header("user-agent")?.slice(0, MAX_USER_AGENT_LENGTH) ?? null;
  const ipAddress = clientOf(context, clientAddress);
  return { ipAddress, network: networkOf(ipAddress ?? ""), userAgent };
}
