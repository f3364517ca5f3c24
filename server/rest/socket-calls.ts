import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { z } from "zod";
import type { CollaborationSocket, SocketContext } from "../../extensions/collaboration-socket.ts";
import type { LiveRights } from "../../extensions/live-rights.ts";
import { standingNow, type StandingNow } from "../../extensions/standing-now.ts";
import type { Sql, SqlOrTransaction } from "../../persistence/database.ts";
import { onceForKey } from "../../persistence/idempotency.ts";
import { withTimeout } from "../../persistence/with-timeout.ts";
import { queryOf, type Route } from "../../schema/api/contract.ts";
import { api, type ApiName } from "../../schema/api/index.ts";
import { ERRORS, ScriptoriumError } from "../../schema/errors.ts";
import { actorOf } from "./author.ts";
import { createFairShare, type FairShare } from "./fair-share.ts";
import { failureCode } from "./failure-code.ts";
import { FaultyRequest, problemOf } from "./problem.ts";
import type { RequestLimits } from "./request-limits.ts";
import type { Call, Handler, Handlers, PreparedHandler, Reply } from "./serve.ts";
import { transact } from "./transact.ts";

/** What somebody says on a socket: a route of the REST contract by its name, with what it takes. */
const Message = z.strictObject({
  id: z.string().min(1).max(100),
  call: z.string().max(100),
  params: z.record(z.string(), z.unknown()).default({}),
  query: z.record(z.string(), z.unknown()).default({}),
  body: z.unknown().optional(),
  /** The headers of the same names. */
  idempotencyKey: z.string().optional(),
  ifMatch: z.string().optional(),
});
type Message = z.output<typeof Message>;

/** What is told of one call, to the connection that it came on and to nobody else. */
type Answer = { readonly id: string | null; readonly status: number; readonly body?: unknown };

/** A document that a socket has open. */
type Connection = Parameters<CollaborationSocket["joined"]>[0];

/** What calls on sockets are served with. */
type SocketCallOptions = {
  readonly sql: Sql;
  readonly logger: Logger;
  readonly rights: Pick<LiveRights, "open">;
  readonly requests: Pick<RequestLimits, "beginFrom" | "signedIn">;
  /** The routes that can be called so. All have their right at a document. */
  readonly handlers: Handlers;
};

/** Takes one stateless message of an open document and answers it. Never rejects. */
export type SocketCalls = (connection: Connection, payload: string) => Promise<void>;

type Caller = {
  readonly connection: Connection;
  readonly context: SocketContext;
  readonly requestId: string;
};

const STEP_TIMEOUT_MS = 30_000;

/** Calls on sockets: the same handlers, contracts, rights and limits as over REST, and the same answers. */
export function createSocketCalls(given: SocketCallOptions): SocketCalls {
  const options = { ...given, share: createFairShare() };
  return async (connection, payload) => {
    const context = connection.context as SocketContext;
    const requestId = randomUUID();
    const startedMs = performance.now();
    let message: Message | null = null;
    let answer: Answer;
    try {
      const end = options.requests.beginFrom(context.socket.network);
      try {
        message = readMessage(payload);
        answer = await perform(options, { connection, context, requestId }, message);
      } finally {
        end();
      }
    } catch (error) {
      const code = failureCode(options.logger, error, requestId);
      const body = problemOf({ code, error, requestId });
      answer = { id: message?.id ?? idOf(payload), status: ERRORS[code].http, body };
    }
    if (context.socket.isClosed) return;
    connection.sendStateless(JSON.stringify(answer));
    const durationMs = Math.round(performance.now() - startedMs);
    const { connectionId } = context.socket;
    const call = message !== null && Object.hasOwn(api, message.call) ? message.call : null;
    options.logger.info(
      { requestId, connectionId, call, status: answer.status, durationMs },
      "socket call",
    );
  };
}

/** @throws ScriptoriumError `bad_request`. */
function readMessage(payload: string): Message {
  const parsed = Message.safeParse(parseJson(payload));
  if (parsed.success) return parsed.data;
  throw new FaultyRequest(faultsOf(parsed.error));
}

function parseJson(payload: string): unknown {
  try {
    return JSON.parse(payload) as unknown;
  } catch {
    throw new ScriptoriumError("bad_request", "The message is not JSON");
  }
}

/** The id of a message that cannot be read otherwise. */
function idOf(payload: string): string | null {
  try {
    const { id } = JSON.parse(payload) as { id?: unknown };
    return typeof id === "string" ? id.slice(0, 100) : null;
  } catch {
    return null;
  }
}

const MAX_FAULTS = 20;

const faultsOf = ({ issues }: z.ZodError) =>
  issues
    .slice(0, MAX_FAULTS)
    .map(({ path, message }) => ({ at: path.map(String).join("."), message }));

async function perform(
  options: SocketCallOptions & Sharing,
  caller: Caller,
  message: Message,
): Promise<Answer> {
  const { contract, handle } = routeOf(options.handlers, message.call);
  const before = await standing(options, caller, contract);
  options.requests.signedIn(before.principal);
  const request = readRequest(caller, contract, message);
  const effects: (() => void)[] = [];
  const call = {
    ...request,
    mustMatch: preconditionOf(message),
    afterCommit: (effect: () => void): void => void effects.push(effect),
  };
  const withStanding = (now: StandingNow) => ({ ...call, ...now, by: byOf(caller, now) });
  const handler = await prepare(options, handle, withStanding(before));
  const work = async (sql: SqlOrTransaction): Promise<Reply<Route>> => {
    effects.length = 0;
    // Asked again, in the transaction: the right may have ended while the answer was prepared [A3].
    const now = await standing({ ...options, sql }, caller, contract);
    const run = (): Promise<Reply<Route>> =>
      handler({ ...withStanding(now), sql } as unknown as Call<Route>);
    if (message.idempotencyKey === undefined || contract.idempotent !== true) return run();
    const { principal } = now;
    const told = [message.call, JSON.stringify(request.params), JSON.stringify(request.body)];
    return onceForKey(sql, { principal, key: message.idempotencyKey, request: told }, run);
  };
  const performed = contract.method === "get" ? work(options.sql) : transact(options.sql, work);
  const told = performed.then((reply) => {
    for (const effect of effects) effect();
    return reply;
  });
  const reply = await withTimeout(told, STEP_TIMEOUT_MS);
  const { status } = contract.answer;
  return { id: message.id, status, ...("body" in reply && { body: reply.body }) };
}

type Sharing = { readonly share: FairShare };

type Served = {
  readonly contract: Route;
  readonly handle: Handler<Route> | PreparedHandler<Route>;
};

function routeOf(handlers: Handlers, name: string): Served {
  const handle = Object.hasOwn(handlers, name) ? handlers[name as ApiName] : undefined;
  if (handle === undefined) throw new ScriptoriumError("not_found", "There is no such call");
  return { contract: api[name as ApiName], handle };
}

/** @throws ScriptoriumError `unauthenticated`, `document_not_found`, `forbidden`. */
async function standing(
  { sql, rights }: { readonly sql: SqlOrTransaction; readonly rights: SocketCallOptions["rights"] },
  { connection, context }: Caller,
  { access }: Route,
): Promise<StandingNow> {
  const grounds = rights.open.get(connection);
  // He has left the document, or was sent away.
  if (grounds === undefined) throw new ScriptoriumError("unauthenticated", "It is not open here");
  const now = await withTimeout(standingNow(sql, grounds, context.address), STEP_TIMEOUT_MS);
  if (access.who !== "right" || !now.place.rights.includes(access.right)) {
    throw new ScriptoriumError("forbidden", "Your rights here do not allow this");
  }
  if (access.person === true && now.principal.kind === "key") {
    throw new ScriptoriumError("forbidden", "This is for people who signed in, not for keys");
  }
  return now;
}

/** @throws ScriptoriumError `bad_request`, also for a document that is not the one of the connection. */
function readRequest({ context }: Caller, contract: Route, { params, query, body }: Message) {
  const { documentId } = context.address;
  const faults: { at: string; message: string }[] = [];
  const check = (at: string, schema: z.ZodType | undefined, value: unknown): unknown => {
    const parsed = schema?.safeParse(value);
    if (parsed === undefined || parsed.success) return parsed?.data;
    const found = faultsOf(parsed.error);
    faults.push(...found.map((fault) => ({ ...fault, at: `${at}.${fault.at}` })));
    return undefined;
  };
  const wanted: unknown = params["documentId"] ?? documentId;
  if (wanted !== documentId) {
    faults.push({ at: "params.documentId", message: "is not the document of this connection" });
  }
  const read = {
    params: check("params", contract.params, { ...params, documentId }),
    query: check("query", queryOf(contract), query),
    body: check("body", contract.body, body),
    bodyText: "",
    mediaType: "",
  };
  if (faults.length > 0) throw new FaultyRequest(faults);
  return read;
}

const preconditionOf =
  ({ ifMatch }: Message) =>
  (etag: string): void => {
    if (ifMatch === undefined || ifMatch === "*" || ifMatch === `"${etag}"`) return;
    throw new ScriptoriumError("precondition_failed", `It is at "${etag}" now; read it again`);
  };

const byOf = ({ context, requestId }: Caller, { principal }: StandingNow) =>
  actorOf(principal, { requestId, network: context.socket.network });

function prepare(
  { share }: Sharing,
  handle: Served["handle"],
  call: StandingNow,
): Promise<Handler<Route>> {
  if (typeof handle === "function") return Promise.resolve(handle);
  return share(call.principal, () => handle.prepare(call as unknown as Call<Route>));
}
