import type { Context } from "hono";
import { addressOf } from "../../schema/api/address.ts";
import type { Route } from "../../schema/api/contract.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import type { RestApp } from "../rest/app.ts";

type Values = Readonly<Record<string, unknown>>;

/** A request in its parts. The parameters fit the contract: they become a path. */
export type RouteParts = {
  readonly params?: Values;
  readonly query?: Values;
  /** Undefined: none. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Calls a route for whoever sent the message, and answers what REST does. @throws ScriptoriumError `bad_request` for a body that is nested too deep. */
export type RouteCall = (contract: Route, parts: RouteParts) => Promise<Response>;

/**
 * A route is called as a request to the same application, inside the process: who calls, what he may, limits, reading,
 * idempotency and the audit log are those of REST because they are the same code.
 */
export const createRouteCall =
  (app: RestApp, context: Context): RouteCall =>
  async (contract, { params = {}, query = {}, body, headers = {} }) => {
    const url = new URL(`/api/v1${addressOf(contract, params, query)}`, context.req.url);
    const all = {
      authorization: context.req.header("authorization") ?? "",
      "user-agent": context.req.header("user-agent") ?? "",
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    };
    const request = new Request(url, {
      method: contract.method.toUpperCase(),
      headers: all,
      ...(body !== undefined && { body: jsonOf(body) }),
    });
    // With the connection that the message came on: limits and the audit log go by its address.
    return app.fetch(request, context.env);
  };

function jsonOf(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    // What was parsed can be written, unless the stack is too short for it.
    throw new ScriptoriumError("bad_request", "The arguments are nested too deep", { cause });
  }
}
