import { createServer, type Server } from "node:http";
import { ScriptoriumError } from "../schema/errors.ts";

/** What `/readyz` asks: null when documents can be opened and edits be committed, else why not. */
export type Readiness = () => Promise<string | null>;

/** The HTTP server under the websocket door: liveness and readiness, and nothing else yet. */
export function createHttpServer(readiness: Readiness): Server {
  return createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, {
        "content-type": "application/json",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      });
      response.end(JSON.stringify(body));
    };
    const [path] = (request.url ?? "/").split("?", 1);
    if (path === "/healthz") return answer(200, { status: "alive" });
    if (path !== "/readyz") return answer(404, { code: "not_found" });
    readiness().then(
      (reason) =>
        reason === null
          ? answer(200, { status: "ready" })
          : answer(503, { status: "not_ready", reason }),
      () => answer(503, { status: "not_ready", reason: "storage_unavailable" }),
    );
  });
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
