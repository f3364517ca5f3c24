import { randomUUID } from "node:crypto";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Logger } from "pino";
import { codeOf } from "../../extensions/refusal.ts";
import { api } from "../../schema/api/index.ts";
import type { Route } from "../../schema/api/contract.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import type { Principal } from "../../schema/principal.ts";
import { describeApi } from "./openapi.ts";
import { organizationHandlers } from "./organizations.ts";
import { problemResponse } from "./problem.ts";
import { serve, type RestOptions } from "./serve.ts";

/** What the steps of one request tell each other. */
type Variables = { requestId: string; principal: Principal | undefined };

export type RestApp = OpenAPIHono<{ Variables: Variables }>;

export const API_PATH = "/api/v1";

/** The REST API, ready to be mounted: routes, their description, and what is said where there is no route. */
export function createRestApp(
  options: Omit<RestOptions, "app"> & { logger: Logger; isRestarting: () => boolean },
): RestApp {
  const app: RestApp = new OpenAPIHono();
  const { logger, isRestarting } = options;
  app.use(`${API_PATH}/*`, async (context, next) => {
    const startedMs = performance.now();
    context.set("requestId", randomUUID());
    context.header("x-request-id", context.get("requestId"));
    context.header("x-content-type-options", "nosniff");
    if (isRestarting()) throw new ScriptoriumError("restarting", "The server is restarting");
    await next();
    logRequest(logger, context, performance.now() - startedMs);
  });
  app.onError((error, context) => {
    const requestId = (context.get("requestId") as string | undefined) ?? randomUUID();
    const code = codeOf(error);
    if (code === "internal") logger.error({ err: error, requestId }, "request failed");
    else if (code === "storage_unavailable")
      logger.warn({ err: error, requestId }, "request failed");
    return problemResponse(context, { code, error, requestId });
  });
  const rest = { ...options, app };
  serve(rest, organizationHandlers);
  app.get(`${API_PATH}/openapi.json`, (context) => context.json(describeApi()));
  refuseOtherMethods(app);
  app.all(`${API_PATH}/*`, () => {
    throw new ScriptoriumError("not_found", "There is no such route; see /api/docs");
  });
  return app;
}

/** A path that is known, but not by this method. */
function refuseOtherMethods(app: RestApp): void {
  const methods = new Map<string, string[]>();
  for (const { path, method } of Object.values<Route>(api)) {
    const known = methods.get(path) ?? [];
    methods.set(path, [...known, method.toUpperCase()]);
  }
  for (const [path, allowed] of methods) {
    app.all(`${API_PATH}${path.replaceAll(/\{(\w+)\}/gu, ":$1")}`, (context) => {
      context.header("allow", allowed.join(", "));
      throw new ScriptoriumError("method_not_allowed", `Allowed are ${allowed.join(", ")}`);
    });
  }
}

/** Ids, sizes and times; no query, no body and no token. Reads that succeed are not worth a line in production. */
function logRequest(logger: Logger, context: Context, durationMs: number): void {
  const { method, routePath } = { method: context.req.method, routePath: context.req.routePath };
  const { status } = context.res;
  const principal = context.get("principal") as Principal | undefined;
  const level = method === "GET" && status < 400 ? "debug" : "info";
  logger[level](
    {
      requestId: context.get("requestId") as string,
      method,
      route: routePath,
      status,
      durationMs: Math.round(durationMs),
      userId: principal?.userId,
      keyId: principal?.kind === "key" ? principal.keyId : undefined,
    },
    "request",
  );
}
