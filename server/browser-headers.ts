import type { MiddlewareHandler } from "hono";

/** What every answer tells a browser. Strict-Transport-Security is for whoever speaks TLS: the proxy in front. */
const HEADERS = {
  // What is no page of ours runs nothing, loads nothing and is framed by nobody, also when it is opened as a page.
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  // A document's address is nobody else's business.
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy":
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
  // For answers that say nothing of it themselves.
  "cache-control": "no-store",
};

/** Gives each answer these headers, except those that it has: a page has a policy of its own. */
export const browserHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  for (const [name, value] of Object.entries(HEADERS)) {
    if (!context.res.headers.has(name)) context.res.headers.set(name, value);
  }
};
