import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import { isIPv4 } from "node:net";
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";
import type { Registry } from "prom-client";
import { codeOf } from "../extensions/refusal.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { problemResponse } from "./rest/problem.ts";

/** What a proxy adds. A request that carries one comes from further away than its connection says. */
const FORWARDED_HEADERS = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

/**
 * `GET /metrics`, in Prometheus' text format. With a token: whoever sends it as `Authorization: Bearer`. Without one:
 * whoever connects from this machine itself, since HOST may be public. Errors: `unauthenticated`, `forbidden`.
 */
export function createMetricsDoor({
  registry,
  token,
}: {
  registry: Registry;
  token: string | undefined;
}): (context: Context) => Promise<Response> {
  const hash = token === undefined ? null : sha256(`Bearer ${token}`);
  return async (context) => {
    try {
      if (hash === null) mustBeLocal(context);
      else mustHold(hash, context);
      return context.body(await registry.metrics(), 200, {
        "content-type": registry.contentType,
        "cache-control": "no-store",
      });
    } catch (error) {
      return problemResponse(context, { code: codeOf(error), error, requestId: randomUUID() });
    }
  };
}

function mustHold(hash: Buffer, context: Context): void {
  const sent = sha256(context.req.header("authorization") ?? "");
  if (timingSafeEqual(hash, sent)) return;
  throw new ScriptoriumError("unauthenticated", "Send METRICS_TOKEN as Authorization: Bearer");
}

function mustBeLocal(context: Context): void {
  const { address = "" } = getConnInfo(context).remote;
  const isForwarded = FORWARDED_HEADERS.some((name) => context.req.header(name) !== undefined);
  if (isLoopback(address) && !isForwarded) return;
  throw new ScriptoriumError(
    "forbidden",
    "Without METRICS_TOKEN the metrics are for this machine alone, and not through a proxy",
  );
}

/** 127.0.0.0/8 and ::1, also as an IPv4 address in an IPv6 one. */
export function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/iu, "");
  return plain === "::1" || (isIPv4(plain) && plain.startsWith("127."));
}
