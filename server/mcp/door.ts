import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import type { Logger } from "pino";
import { z } from "zod";
import type { SignIn } from "../../extensions/sign-in.ts";
import { withTimeout } from "../../persistence/with-timeout.ts";
import { route } from "../../schema/api/contract.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import type { Admission } from "../admission.ts";
import type { RestApp } from "../rest/app.ts";
import { bearerToken } from "../rest/bearer-token.ts";
import { failureCode } from "../rest/failure-code.ts";
import { problemOf } from "../rest/problem.ts";
import { readRequest } from "../rest/read-request.ts";
import { senderOf } from "../rest/sender.ts";
import { createRouteCall } from "./route-call.ts";

/** What the door is opened with. */
type McpOptions = {
  readonly signIn: SignIn;
  readonly admission: Pick<Admission, "clientAddress" | "origins" | "requests">;
  readonly logger: Logger;
};

/** Where MCP is. */
export const MCP_PATH = "/mcp";

/** A message of JSON-RPC, one at a time: MCP has no batches any more, and in one a call could be taken back unanswered. */
const message = route({
  method: "post",
  path: MCP_PATH,
  tag: "Agents and keys",
  summary: "A message of MCP",
  access: { who: "signed-in" },
  body: z.record(z.string(), z.unknown(), "must be one JSON-RPC message"),
  carriesContent: true,
  answer: { status: 200, body: z.unknown() },
});

/** A database that hangs is a database that is away, ms. */
const SIGN_IN_TIMEOUT_MS = 30_000;

/** Serves MCP as the REST API's application: its limits, its log, its problem documents. */
export function mountMcp(app: RestApp, { signIn, admission, logger }: McpOptions): void {
  app.post(MCP_PATH, async (context) => {
    admitOrigin(context, admission);
    const { network } = senderOf(context, admission.clientAddress);
    const signedIn = signIn.principal(bearerToken(context), network);
    const principal = await withTimeout(signedIn, SIGN_IN_TIMEOUT_MS);
    context.set("principal", principal);
    admission.requests.signedIn(principal);
    const { body } = await readRequest(context, message);
    const requestId = context.get("requestId");
    // Loading the SDK takes about 100 ms and 10 MB, which a server that nobody asks for this does without.
    const { answerMessage } = await import("./answer-message.ts");
    const answer = await answerMessage(context.req.raw, body, {
      call: createRouteCall(app, context),
      problemOf: (error) =>
        problemOf({ code: failureCode(logger, error, requestId), error, requestId }),
    });
    // Made anew: a finished response does not take in what this context has been given (its id, CORS).
    return context.newResponse(answer.body, answer);
  });
  app.all(MCP_PATH, (context) => {
    context.header("allow", "POST");
    throw new ScriptoriumError(
      "method_not_allowed",
      "Nothing is kept here to be read or ended: POST",
    );
  });
}

/** A page of somebody else's has no token either; MCP asks for this all the same, against rebound names. */
function admitOrigin(context: Context, { origins }: Pick<Admission, "origins">): void {
  if (context.req.header("origin") === undefined) return;
  const { incoming } = context.env as { readonly incoming: IncomingMessage };
  if (origins.admits(incoming)) return;
  throw new ScriptoriumError("forbidden", "This page's origin is not listed (ALLOWED_ORIGINS)");
}
