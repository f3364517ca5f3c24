import type { Context, Next } from "hono";
import type { Origins } from "../origins.ts";

/** What a script of a listed origin may send, and what it may read of an answer. */
const ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE";
const ALLOWED_HEADERS =
  "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, mcp-protocol-version";
const EXPOSED_HEADERS =
  "etag, location, retry-after, x-content-dropped, x-document-seq, x-request-id";

/** 10 min: how long a browser remembers the answer to its question. */
const MAX_AGE_SECONDS = "600";

/**
 * Lets pages of the listed origins call REST, with a token and never with a cookie. No other page reads an answer,
 * nor gets as far as sending a token.
 */
export function createCors({ isListed }: Origins) {
  return async (context: Context, next: Next): Promise<Response | undefined> => {
    const origin = context.req.header("origin");
    context.header("vary", "origin", { append: true });
    if (origin === undefined || !isListed(origin)) {
      await next();
      return undefined;
    }
    context.header("access-control-allow-origin", origin);
    context.header("access-control-expose-headers", EXPOSED_HEADERS);
    const isQuestion =
      context.req.method === "OPTIONS" &&
      context.req.header("access-control-request-method") !== undefined;
    if (!isQuestion) {
      await next();
      return undefined;
    }
    context.header("access-control-allow-methods", ALLOWED_METHODS);
    context.header("access-control-allow-headers", ALLOWED_HEADERS);
    context.header("access-control-max-age", MAX_AGE_SECONDS);
    return context.body(null, 204);
  };
}
