import { createServer, type Server, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Hono, type Context } from "hono";
import type { OnLimit } from "../extensions/limits.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { browserHeaders } from "./browser-headers.ts";
import { mountPage } from "./page.ts";
import type { RestApp } from "./rest/app.ts";

/** What `/readyz` asks: null when documents can be opened and edits be committed, else why not. */
export type Readiness = () => Promise<string | null>;

/**
 * A minute for a whole request: 4 MiB take that on a poor line, and longer only whoever means to hold a place. Ten
 * seconds for its head, an upgrade's too; looked at every five.
 */
const PATIENCE = {
  requestTimeout: 60_000,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 5000,
};

/**
 * Requests of one connection without an answer. Who waits for answers has one; hundreds fit into a packet, and Node
 * begins all of a packet in one turn of the event loop.
 */
const MOST_UNANSWERED = 16;

/** The HTTP server under the websocket door: the REST API, the page, liveness, readiness and metrics. */
export function createHttpServer({
  rest,
  readiness,
  metrics,
  onLimit,
}: {
  rest: RestApp;
  readiness: Readiness;
  metrics: (context: Context) => Promise<Response>;
  onLimit: OnLimit;
}): Server {
  const app = new Hono();
  app.use(browserHeaders);
  app.get("/healthz", (context) => context.json({ status: "alive" }));
  app.get("/readyz", async (context) => {
    const reason = await readiness().catch(() => "storage_unavailable");
    return reason === null
      ? context.json({ status: "ready" })
      : context.json({ status: "not_ready", reason }, 503);
  });
  app.get("/metrics", metrics);
  mountPage(app);
  app.route("/", rest);
  const listener = getRequestListener(app.fetch);
  const isOneTooMany = countUnanswered();
  return createServer(PATIENCE, (request, response) => {
    if (isOneTooMany(response)) {
      if (!request.socket.destroyed) onLimit("requests_at_once");
      request.socket.destroy();
      return;
    }
    listener(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
}

/** Notes that a request has begun; true when its connection has too many that are not over. */
function countUnanswered(): (response: ServerResponse) => boolean {
  const unanswered = new WeakMap<object, number>();
  return (response) => {
    const { socket } = response.req;
    const count = (unanswered.get(socket) ?? 0) + 1;
    unanswered.set(socket, count);
    response.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    return count > MOST_UNANSWERED;
  };
}

/** @throws ScriptoriumError `bad_configuration` when the address cannot be had, with the reason in words. */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    const reasons: Record<string, string> = {
      EADDRINUSE: `Port ${port} on ${host} is taken; stop what uses it or set PORT`,
      EACCES: `Port ${port} may not be used by this user; set PORT to 1024 or above`,
      EADDRNOTAVAIL: `${host} is not an address of this machine; set HOST`,
    };
    const message = reasons[code] ?? `Cannot listen on ${host}:${port} (${code})`;
    throw new ScriptoriumError("bad_configuration", message, { cause });
  }
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
