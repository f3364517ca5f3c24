import type { IncomingMessage } from "node:http";
import type { Context } from "hono";

/** Where a request comes from, as far as the socket and the caller tell: shown to people, never decided on. */
export type Sender = { readonly ipAddress: string | null; readonly userAgent: string | null };

/** A header may be as long as all of them together; a list of sessions needs less. */
const MAX_USER_AGENT_LENGTH = 300;

/** The sender of a request. Behind a proxy the address is the proxy's: what it says of others could be anybody's word. */
export function senderOf(context: Context): Sender {
  // `@hono/node-server` puts Node's own request here; a request made without a socket has none.
  const { incoming } = (context.env ?? {}) as { incoming?: IncomingMessage };
  const userAgent = context.req.header("user-agent")?.slice(0, MAX_USER_AGENT_LENGTH) ?? null;
  return { ipAddress: incoming?.socket.remoteAddress ?? null, userAgent };
}
