import { addressOf } from "../schema/api/address.ts";
import { api, type Api, type ApiName } from "../schema/api/index.ts";
import type { AnswerOf, CallOf, EventOf, Route, TextType } from "../schema/api/contract.ts";
import type { Problem } from "../schema/api/common.ts";
import { parsedEvents } from "./event-stream.ts";

/** Where the server is and who calls. `token`: asked for each call, so that it can change; null signs nobody in. */
export type ApiOptions = {
  /** `https://docs.example.com`; in a page of the server's own, `""`. */
  readonly url: string;
  readonly token: () => string | null;
  /** Ends every call of this client. */
  readonly signal?: AbortSignal;
};

/** What a call can carry beside what its route takes. */
export type CallOptions = {
  /** Repeat a call with the same key and it is done once. For routes that make something. */
  readonly idempotencyKey?: string;
  /** The `etag` that was read: refused with `precondition_failed` when somebody else wrote meanwhile. */
  readonly ifMatch?: string;
  /** What a text body is; Markdown where nothing is said. */
  readonly contentType?: TextType;
  /** Of a stream: the id of the last event that was heard; absent or null: from now on. */
  readonly lastEventId?: string | null;
  /** Of a stream: something came, be it only a comment that says it is alive. */
  readonly onBytes?: () => void;
  readonly signal?: AbortSignal;
};

/** A stream of events; whoever stops reading ends it. */
export type EventsAnswer<R extends Route> = { readonly events: AsyncIterable<EventOf<R>> };

/** An answer in JSON, with the ETag to send back in `ifMatch`. */
export type ApiAnswer<R extends Route> = {
  readonly body: AnswerOf<R>;
  readonly text: null;
  readonly etag: string | null;
};

/** An answer in text. */
export type TextAnswer = {
  readonly body: undefined;
  readonly text: string;
  readonly etag: string | null;
  /** The position of the document's log that it was read at, where the route tells it. */
  readonly seq: number | null;
};

/** Leaves out what a route does not take. */
type Present<T> = { readonly [K in keyof T as T[K] extends undefined ? never : K]: T[K] };

/** What a route is called with. A query may be left out when nothing in it is required, a body never. */
type ApiCall<R extends Route> = Present<Omit<CallOf<R>, "query">> &
  (Empty extends CallOf<R>["query"]
    ? Partial<Present<Pick<CallOf<R>, "query">>>
    : Present<Pick<CallOf<R>, "query">>);

type Empty = Record<never, never>;

type ApiArguments<R extends Route> =
  Empty extends ApiCall<R>
    ? [call?: ApiCall<R>, options?: CallOptions]
    : [call: ApiCall<R>, options?: CallOptions];

/** Where an answer can be text, `format` in the query says so. */
type TextOrJson<R extends Route> = {
  (
    call: ApiCall<R> & { readonly query: { readonly format: "markdown" | "html" } },
    options?: CallOptions,
  ): Promise<TextAnswer>;
  (
    call: ApiCall<R> & { readonly query?: { readonly format?: "json" } },
    options?: CallOptions,
  ): Promise<ApiAnswer<R>>;
  (...given: ApiArguments<R>): Promise<ApiAnswer<R> | TextAnswer>;
};

/** Every route as a function under its name; its types are the contract's. */
export type ApiClient = {
  readonly [N in ApiName]: Api[N]["answer"] extends { readonly events: object }
    ? (...given: ApiArguments<Api[N]>) => Promise<EventsAnswer<Api[N]>>
    : Api[N]["answer"] extends { readonly text: readonly TextType[] }
      ? TextOrJson<Api[N]>
      : (...given: ApiArguments<Api[N]>) => Promise<ApiAnswer<Api[N]>>;
};

/** The server said no: its problem document. */
export class ApiError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail);
    this.name = "ApiError";
    this.problem = problem;
  }
}

/**
 * The REST API as typed functions: `await client.getOrganization({ params: { organizationId } })`.
 * Each throws {@link ApiError} when the server refuses, and what `fetch` throws when it cannot be reached.
 */
export function createApiClient(options: ApiOptions): ApiClient {
  const entries = Object.entries<Route>(api).map(([name, contract]) => [
    name,
    (call: LooseCall = {}, extras: CallOptions = {}) => send(options, contract, call, extras),
  ]);
  return Object.fromEntries(entries) as ApiClient;
}

type LooseCall = {
  readonly params?: Record<string, unknown>;
  readonly query?: Record<string, unknown>;
  readonly body?: unknown;
};

async function send(
  { url, token, signal }: ApiOptions,
  contract: Route,
  { params = {}, query = {}, body }: LooseCall,
  extras: CallOptions,
): Promise<ApiAnswer<Route> | TextAnswer | EventsAnswer<Route>> {
  const signals = [signal, extras.signal].filter((each) => each !== undefined);
  const text = contract.textBody !== undefined && typeof body === "string" ? body : null;
  const response = await fetch(
    `${url.replace(/\/+$/u, "")}/api/v1${addressOf(contract, params, query)}`,
    {
      method: contract.method.toUpperCase(),
      headers: headersOf(token(), extras, bodyTypeOf(text, body, extras)),
      ...(body !== undefined && { body: text ?? JSON.stringify(body) }),
      ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
    },
  );
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok) throw await refusal(response, type);
  if (type.startsWith("text/event-stream")) {
    return { events: parsedEvents(response, extras.onBytes ?? (() => {})) as AsyncIterable<never> };
  }
  const etag = response.headers.get("etag");
  if (type.startsWith("application/json")) {
    return { body: await response.json(), text: null, etag };
  }
  if (response.status === 204) {
    // Its end, too, is waited for: a page that is left before counts as having broken the request off.
    await response.arrayBuffer();
    return { body: undefined, text: null, etag };
  }
  const seq = response.headers.get("x-document-seq");
  const read = { etag, seq: seq === null ? null : Number(seq) };
  return { body: undefined, text: await response.text(), ...read };
}

function bodyTypeOf(
  text: string | null,
  body: unknown,
  { contentType = "text/markdown" }: CallOptions,
): string | undefined {
  if (text !== null) return contentType;
  return body === undefined ? undefined : "application/json";
}

function headersOf(
  token: string | null,
  { idempotencyKey, ifMatch, lastEventId }: CallOptions,
  bodyType: string | undefined,
): Record<string, string> {
  const headers: Record<string, string | undefined> = {
    authorization: token === null ? undefined : `Bearer ${token}`,
    "content-type": bodyType,
    "idempotency-key": idempotencyKey,
    "if-match": ifMatch,
    "last-event-id": lastEventId ?? undefined,
  };
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** A proxy in between may answer with something else than a problem document. */
async function refusal(response: Response, type: string): Promise<Error> {
  if (type.startsWith("application/problem+json")) {
    return new ApiError((await response.json()) as Problem);
  }
  return new Error(`The server answered ${response.status}`);
}
