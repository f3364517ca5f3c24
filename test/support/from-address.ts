import { request } from "node:http";
import { WebSocket } from "ws";
import { authFrame } from "../../bench/wire.ts";

/** What a request was answered. */
export type Answer = {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly code: string | null;
};

/** A request to the REST API from an address of this machine: all of 127.0.0.0/8 is. */
export function askFrom(
  localAddress: string,
  port: number,
  { token, link, forwardedFor }: { token?: string; link?: string; forwardedFor?: string },
): Promise<Answer> {
  const isLink = link !== undefined;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port,
        localAddress,
        method: isLink ? "POST" : "GET",
        path: isLink ? "/api/v1/sessions" : "/api/v1/me",
        headers: {
          ...(isLink
            ? { "content-type": "application/json" }
            : { authorization: `Bearer ${token ?? ""}` }),
          ...(forwardedFor !== undefined && { "x-forwarded-for": forwardedFor }),
        },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => {
          const { code = null } = JSON.parse(text) as { code?: string };
          const retryAfter = response.headers["retry-after"];
          resolve({ status: response.statusCode ?? 0, retryAfter, code });
        });
      },
    );
    sent.on("error", reject);
    sent.end(isLink ? JSON.stringify({ link }) : undefined);
  });
}

/** Opens a document from an address; the close code, or null when it was let in. */
export function openFrom(
  localAddress: string,
  url: string,
  { name, token }: { name: string; token: string },
): Promise<number | null> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { perMessageDeflate: false, localAddress });
    socket.on("open", () => socket.send(authFrame(name, token)));
    socket.on("message", () => {
      // A refusal is a frame too, and the close follows it at once.
      setImmediate(() => socket.close());
    });
    socket.on("close", (code) => resolve(code === 1005 || code === 1000 ? null : code));
    socket.on("error", () => undefined);
  });
}
