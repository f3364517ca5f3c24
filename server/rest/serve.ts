import type { Context } from "hono";
import type { RightsChange } from "../../extensions/grounds.ts";
import type { LiveRights } from "../../extensions/live-rights.ts";
import type { Place } from "../../extensions/rights.ts";
import type { SignIn } from "../../extensions/sign-in.ts";
import type { Sql, SqlOrTransaction } from "../../persistence/database.ts";
import type { Actor } from "../../persistence/activities.ts";
import { onceForKey } from "../../persistence/idempotency.ts";
import { withTimeout } from "../../persistence/with-timeout.ts";
import {
  takesBody,
  type AnswerOf,
  type EventSchemas,
  type Route,
  type TextType,
} from "../../schema/api/contract.ts";
import { api, type ApiName } from "../../schema/api/index.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import type { Principal } from "../../schema/principal.ts";
import type { Admission } from "../admission.ts";
import type { RestApp } from "./app.ts";
import { actorOf } from "./author.ts";
import { bearerToken } from "./bearer-token.ts";
import type { FairShare } from "./fair-share.ts";
import { hangUpOn, type EventSource } from "./event-stream.ts";
import { readRequest, type ReadRequest } from "./read-request.ts";
import { respond } from "./respond.ts";
import { senderOf, type Sender } from "./sender.ts";
import { transact } from "./transact.ts";

/** What routes are served with. */
export type RestOptions = {
  readonly app: RestApp;
  readonly sql: Sql;
  readonly signIn: SignIn;
  readonly admission: Admission;
  readonly rights: Pick<LiveRights, "review">;
  /** For what is prepared before a transaction. */
  readonly share: FairShare;
};

type Who<R extends Route> = R["access"]["who"] extends "anyone" ? null : Principal;
type Where<R extends Route> = R["access"]["who"] extends "right" ? Place : null;

/** What a handler works with. */
export type Call<R extends Route> = ReadRequest<R> & {
  readonly principal: Who<R>;
  readonly place: Where<R>;
  /** One transaction for all that writes: what is answered is committed. The pool for what only reads. */
  readonly sql: SqlOrTransaction;
  /** Refuses a writer who has read something else. `etag`: of what is there now. */
  readonly mustMatch: (etag: string) => void;
  /** Does this as soon as everything is committed, before the answer leaves; never when it is rolled back. */
  readonly afterCommit: (effect: () => void) => void;
  /** Who stands in the audit log for what is changed here. */
  readonly by: Actor;
  /** Says whose rights this changes: as soon as it is committed, live sockets stand on what holds then [A3]. */
  readonly rightsChanged: (change: RightsChange) => void;
  /** Where the request comes from, for people to read. */
  readonly sender: Sender;
  /** Where this server is reached, as the caller wrote it: `https://docs.example.com`. */
  readonly origin: string;
  /** Where a reader of events goes on; null: from now on. */
  readonly lastEventId: string | null;
  /** Ends the connection without another word: its reader takes nothing. */
  readonly hangUp: () => void;
};

/** What a handler may give for what a contract shows: JSON writes a Date as the contract's Moment. */
export type Shown<T> = T extends string
  ? T | Date
  : T extends readonly (infer E)[]
    ? readonly Shown<E>[]
    : T extends object
      ? { readonly [K in keyof T]: Shown<T[K]> }
      : T;

/** What a handler answers. `etag`: without quotes. `json`: the body as JSON text already, as PostgreSQL writes it. */
export type Reply<R extends Route> = {
  readonly etag?: string;
  /** The path of what was made, under `/api/v1`. */
  readonly location?: string;
  /** Told in `X-Content-Dropped`. */
  readonly dropped?: number;
  /** Told in `X-Document-Seq`. */
  readonly seq?: number;
} & (
  | (AnswerOf<R> extends undefined
      ? { readonly body?: undefined }
      : { readonly body: Shown<AnswerOf<R>> } | { readonly json: string })
  | (R["answer"] extends { readonly text: readonly TextType[] }
      ? { readonly text: string; readonly type: TextType }
      : never)
  | (R["answer"] extends { readonly events: EventSchemas }
      ? { readonly events: EventSource }
      : never)
);

export type Handler<R extends Route> = (call: Call<R>) => Promise<Reply<R>>;

/**
 * A handler with a first part that may take seconds and writes nothing. It runs before the transaction begins, which
 * would hold a connection that others need, and answers the second part.
 */
export type PreparedHandler<R extends Route> = {
  readonly prepare: (call: Omit<Call<R>, "sql">) => Promise<Handler<R>>;
};

/** A list of routes with their handlers: each area of the API is one. */
export type Handlers = {
  readonly [N in ApiName]?: Handler<(typeof api)[N]> | PreparedHandler<(typeof api)[N]>;
};

/** Serves the routes of an area: authenticate, find the place, check the right, read the request, then handle it. */
export function serve(options: RestOptions, handlers: Handlers): void {
  for (const [name, handler] of Object.entries(handlers)) {
    const contract: Route = api[name as ApiName];
    const path = `/api/v1${contract.path.replaceAll(/\{(\w+)\}/gu, ":$1")}`;
    // Each handler fits its own contract, which the type above has checked; here they are all alike.
    const handle: Served["handle"] = handler;
    options.app.on(contract.method, path, (context) =>
      answer(options, { context, contract, handle }),
    );
  }
}

type Served = {
  context: Context;
  contract: Route;
  handle: Handler<Route> | PreparedHandler<Route>;
};

/** A database that hangs is a database that is away, ms. */
const STEP_TIMEOUT_MS = 30_000;

async function answer(
  options: RestOptions,
  { context, contract, handle }: Served,
): Promise<Response> {
  const sender = senderOf(context, options.admission.clientAddress);
  const may = (): ReturnType<typeof authorise> =>
    withTimeout(authorise(options.signIn, { context, sender }, contract), STEP_TIMEOUT_MS);
  const before = await may();
  if (before.principal !== null) options.admission.requests.signedIn(before.principal);
  const request = await readRequest(context, contract);
  const effects: (() => void)[] = [];
  const byOf = ({ principal }: { principal: Principal | null }): Actor =>
    actorOf(principal, { requestId: context.get("requestId") as string, ...sender });
  const changes: RightsChange[] = [];
  const call = {
    ...request,
    ...before,
    mustMatch: preconditionOf(context, contract),
    afterCommit: (effect: () => void): void => void effects.push(effect),
    rightsChanged: (change: RightsChange): void => void changes.push(change),
    ...circumstancesOf(context),
    sender,
  };
  const handler = await prepare(options, handle, { ...call, by: byOf(before) });
  // Again: a body and its preparation may take their time, and a right that ended meanwhile has ended [A3].
  const now = takesBody(contract) || typeof handle !== "function" ? await may() : before;
  const work = async (sql: SqlOrTransaction): Promise<Reply<Route>> => {
    // Those of a transaction that was rolled back are void.
    effects.length = 0;
    changes.length = 0;
    const reply = await handler({ ...call, ...now, by: byOf(now), sql } as unknown as Call<Route>);
    if (changes.length > 0) effects.push(await options.rights.review(sql, changes));
    return reply;
  };
  const { principal } = now;
  const performed = perform(options.sql, { context, contract, principal, request, work });
  // Part of the work: what was committed has to be told to the live copies, also when nobody waits any more.
  const told = performed.then((reply) => {
    for (const effect of effects) effect();
    return reply;
  });
  return respond(context, contract, await withTimeout(told, STEP_TIMEOUT_MS));
}

/** What a handler is told of the request beside what the contract reads. */
const circumstancesOf = (context: Context) => ({
  origin: new URL(context.req.url).origin,
  lastEventId: context.req.header("last-event-id") ?? null,
  hangUp: () => hangUpOn(context),
});

/** Long work before the transaction, in fair shares; most handlers have none. */
async function prepare(
  { share }: RestOptions,
  handle: Served["handle"],
  call: object & { readonly principal: Principal | null; readonly by: Actor },
): Promise<Handler<Route>> {
  if (typeof handle === "function") return handle;
  const work = (): Promise<Handler<Route>> => handle.prepare(call as unknown as Call<Route>);
  return call.principal === null ? work() : share(call.principal, work);
}

async function authorise(
  signIn: SignIn,
  { context, sender }: { context: Context; sender: Sender },
  { access }: Route,
): Promise<{ principal: Principal | null; place: Place | null }> {
  if (access.who === "anyone") return { principal: null, place: null };
  const token = bearerToken(context);
  if (access.who !== "right") {
    const principal = await signIn.principal(token, sender.network);
    context.set("principal", principal);
    if (access.who === "person") refuseKeys(principal);
    return { principal, place: null };
  }
  const id = context.req.param(access.in) ?? "";
  const { principal, place } = await signIn.principalAt(token, sender.network, access.at, id);
  context.set("principal", principal);
  if (!place.rights.includes(access.right)) {
    throw new ScriptoriumError("forbidden", `This takes the right to ${access.right} here`);
  }
  if (access.person === true) refuseKeys(principal);
  return { principal, place };
}

function refuseKeys({ kind }: Principal): void {
  if (kind !== "key") return;
  throw new ScriptoriumError("forbidden", "This is for people who signed in, not for keys");
}

function preconditionOf(context: Context, { ifMatch }: Route): (etag: string) => void {
  const header = context.req.header("if-match");
  if (header === undefined) {
    if (ifMatch === "required") {
      throw new ScriptoriumError(
        "precondition_required",
        "Read it first and send its ETag in If-Match, or * to write over whatever is there",
      );
    }
    return () => {};
  }
  const wanted = header.split(",").map((each) => each.trim());
  return (etag) => {
    if (wanted.includes("*") || wanted.includes(`"${etag}"`)) return;
    throw new ScriptoriumError("precondition_failed", `It is at "${etag}" now; read it again`);
  };
}

type Performed = {
  context: Context;
  contract: Route;
  principal: Principal | null;
  request: ReadRequest<Route>;
  work: (sql: SqlOrTransaction) => Promise<Reply<Route>>;
};

/** One transaction around everything that writes; with an idempotency key, at most once. */
async function perform(
  sql: Sql,
  { context, contract, principal, request, work }: Performed,
): Promise<Reply<Route>> {
  if (contract.method === "get") return work(sql);
  return transact(sql, async (tx) => {
    const key = context.req.header("idempotency-key");
    if (contract.idempotent !== true || key === undefined || principal === null) return work(tx);
    return onceForKey(tx, { principal, key, request: [context.req.path, request.bodyText] }, () =>
      work(tx),
    );
  });
}
