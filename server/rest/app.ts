import { randomUUID } from "node:crypto";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Logger } from "pino";
import { createAgentPresence } from "../../extensions/agent-presence.ts";
import type { Bell } from "../../extensions/bell.ts";
import type { Commands } from "../../extensions/commands.ts";
import type { Discussions } from "../../extensions/discussions/discussions.ts";
import type { InboxStreams } from "../../extensions/inbox-streams.ts";
import type { Suggestions } from "../../extensions/suggestions/suggestions.ts";
import type { LiveDocuments } from "../../extensions/live-documents.ts";
import { api } from "../../schema/api/index.ts";
import type { Route } from "../../schema/api/contract.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import type { Principal } from "../../schema/principal.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";
import { MCP_PATH, mountMcp } from "../mcp/door.ts";
import type { AnsweredRequest } from "../metrics.ts";
import { keyHandlers } from "./keys.ts";
import { failureCode } from "./failure-code.ts";
import { createFairShare } from "./fair-share.ts";
import { describeApi } from "./openapi.ts";
import { activityHandlers } from "./activity.ts";
import { agentHandlers } from "./agents.ts";
import { createCors } from "./cors.ts";
import { createDocs } from "./docs.ts";
import { contentHandlers, type ContentDoors } from "./content.ts";
import { discussionHandlers } from "./discussions.ts";
import { documentHandlers } from "./documents.ts";
import { collaboratorHandlers } from "./collaborators.ts";
import { featureHandlers } from "./features.ts";
import { inboxHandlers } from "./inbox.ts";
import { memberHandlers } from "./members.ts";
import { projectHandlers } from "./projects.ts";
import { organizationHandlers } from "./organizations.ts";
import { problemResponse } from "./problem.ts";
import { createRenderings } from "./renderings.ts";
import { searchHandlers } from "./search.ts";
import { sectionHandlers } from "./sections.ts";
import { serve, type RestOptions } from "./serve.ts";
import { outcomeHandlers, suggestionHandlers } from "./suggestions.ts";
import { versionHandlers } from "./versions.ts";
import { signInHandlers } from "./sign-in.ts";

/** What the steps of one request tell each other. */
type Variables = { requestId: string; principal: Principal | undefined };

export type RestApp = OpenAPIHono<{ Variables: Variables }>;

const API_PATH = "/api/v1";

/** What the routes are served with. */
type AppOptions = Omit<RestOptions, "app" | "share"> & {
  /** May people make organizations of their own, and choose their slugs? */
  readonly mayMakeOrganizations: boolean;
  readonly logger: Logger;
  readonly isRestarting: () => boolean;
  readonly onAnswered?: (request: AnsweredRequest) => void;
  readonly live: LiveDocuments;
  readonly commands: Commands;
  readonly discussions: Discussions;
  readonly suggestions: Suggestions;
  readonly bell: Bell;
  readonly streams: InboxStreams;
  /** For what callers wait for who write; and for those who read. */
  readonly thread: UpkeepThread;
  readonly readingThread: UpkeepThread;
  /** For cutting, judging and applying what is suggested. */
  readonly suggestionThread: UpkeepThread;
};

/** The REST API, ready to be mounted: routes, their description, and what is said where there is no route. */
export function createRestApp(options: AppOptions): RestApp {
  const app: RestApp = new OpenAPIHono();
  const { logger, admission, isRestarting, onAnswered } = options;
  const cors = createCors(admission.origins);
  const begin: MiddlewareHandler<{ Variables: Variables }> = async (context, next) => {
    const startedMs = performance.now();
    context.set("requestId", randomUUID());
    context.header("x-request-id", context.get("requestId"));
    if (isRestarting()) throw new ScriptoriumError("restarting", "The server is restarting");
    const end = admission.requests.begin(context);
    await next().finally(end);
    const durationMs = performance.now() - startedMs;
    logRequest(logger, context, durationMs);
    onAnswered?.({ ...labelsOf(context), durationMs });
  };
  for (const path of [`${API_PATH}/*`, MCP_PATH]) app.use(path, cors, begin);
  app.onError((error, context) => toProblem(logger, error, context));
  const renderings = createRenderings(options.readingThread);
  const agentPresence = createAgentPresence(options.live);
  const rest = { ...options, app, renderings, agentPresence, share: createFairShare() };
  serveAreas(rest);
  mountMcp(app, options);
  app.route("/", createDocs());
  app.get(`${API_PATH}/openapi.json`, (context) => context.json(describeApi()));
  refuseOtherMethods(app);
  app.all(`${API_PATH}/*`, () => {
    throw new ScriptoriumError("not_found", "There is no such route; see /api/docs");
  });
  return app;
}

function serveAreas(
  rest: RestOptions & AppOptions & Pick<ContentDoors, "renderings" | "agentPresence">,
): void {
  serve(rest, organizationHandlers(rest));
  serve(rest, memberHandlers);
  serve(rest, projectHandlers);
  serve(rest, collaboratorHandlers);
  serve(rest, featureHandlers);
  serve(rest, signInHandlers(rest));
  serve(rest, documentHandlers(rest));
  serve(rest, contentHandlers(rest));
  serve(rest, sectionHandlers(rest));
  serve(rest, versionHandlers(rest));
  serve(rest, discussionHandlers(rest));
  serve(rest, suggestionHandlers(rest));
  serve(rest, outcomeHandlers);
  serve(rest, inboxHandlers(rest));
  serve(rest, activityHandlers);
  serve(rest, searchHandlers);
  serve(rest, agentHandlers);
  serve(rest, keyHandlers);
}

function toProblem(logger: Logger, error: unknown, context: Context): Response {
  const requestId = (context.get("requestId") as string | undefined) ?? randomUUID();
  const code = failureCode(logger, error, requestId);
  return problemResponse(context, { code, error, requestId });
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

/** What Node's parser lets through beyond these is a whim of the caller, and none of the metrics' labels. */
const METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

function labelsOf(context: Context): Omit<AnsweredRequest, "durationMs"> {
  const template = routePath(context).replaceAll(/:(\w+)/gu, "{$1}");
  return {
    route: template.endsWith("*") ? "other" : template,
    method: METHODS.includes(context.req.method) ? context.req.method : "other",
    status: context.res.status,
  };
}

/** Ids, sizes and times; no query, no body and no token. Reads that succeed are not worth a line in production. */
function logRequest(logger: Logger, context: Context, durationMs: number): void {
  const { method } = context.req;
  const { status } = context.res;
  const principal = context.get("principal") as Principal | undefined;
  const level = method === "GET" && status < 400 ? "debug" : "info";
  logger[level](
    {
      requestId: context.get("requestId") as string,
      method,
      route: routePath(context),
      status,
      durationMs: Math.round(durationMs),
      userId: principal?.userId,
      keyId: principal?.kind === "key" ? principal.keyId : undefined,
    },
    "request",
  );
}
