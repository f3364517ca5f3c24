import { api, type Api, type ApiName } from "../schema/api/index.ts";
import type { AnswerOf, CallOf, Route } from "../schema/api/contract.ts";
import type { Problem } from "../schema/api/common.ts";
import type { z } from "zod";

/** Where the server is and who calls. `token`: asked for each call, so that it can change; null signs nobody in. */
export type ApiOptions = {
  /** `https://docs.example.com`; in a page of the server's own, `""`. */
  readonly url: string;
  readonly token: () => string | null;
  readonly signal?: AbortSignal;
};

/** Headers that a call can carry. */
export type CallHeaders = {
  readonly idempotencyKey?: string;
  readonly ifMatch?: string;
  /** What the content should come as. */
  readonly accept?: string;
  /** What a text body is. JSON otherwise. */
  readonly contentType?: string;
};

/** An answer, with the ETag to send back in `ifMatch`. `text` where the server answered with text. */
export type ApiAnswer<R extends Route> = {
  readonly body: AnswerOf<R>;
  readonly text: string | null;
  readonly etag: string | null;
};

/** Leaves out what a route does not take. */
type Present<T> = { readonly [K in keyof T as T[K] extends undefined ? never : K]: T[K] };

/** Every route as a function under its name; its types are the contract's. */
export type ApiClient = {
  readonly [N in ApiName]: (
    call?: Present<CallOf<Api[N]>>,
    headers?: CallHeaders,
  ) => Promise<ApiAnswer<Api[N]>>;
};

/** The server said no: its problem document. */
export class ApiError extends Error {
  readonly problem: z.output<typeof Problem>;
  constructor(problem: z.output<typeof Problem>) {
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
    (call: LooseCall = {}, headers: CallHeaders = {}) => send(options, contract, call, headers),
  ]);
  return Object.fromEntries(entries) as ApiClient;
}

type LooseCall = {
  readonly params?: Record<string, unknown>;
  readonly query?: Record<string, unknown>;
  readonly body?: unknown;
};

async function send(
  options: ApiOptions,
  contract: Route,
  { params = {}, query = {}, body }: LooseCall,
  headers: CallHeaders,
): Promise<ApiAnswer<Route>> {
  const path = contract.path.replaceAll(/\{(\w+)\}/gu, (_, name: string) =>
    encodeURIComponent(String(params[name])),
  );
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  const response = await fetch(
    `${options.url}/api/v1${path}${given.length > 0 ? `?${search}` : ""}`,
    {
      method: contract.method.toUpperCase(),
      headers: headersOf(options.token(), headers, body),
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(options.signal !== undefined && { signal: options.signal }),
    },
  );
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok) throw await refusal(response, type);
  const isJson = type.startsWith("application/json");
  return {
    body: isJson ? await response.json() : undefined,
    text: isJson || response.status === 204 ? null : await response.text(),
    etag: response.headers.get("etag"),
  } as ApiAnswer<Route>;
}

function headersOf(
  token: string | null,
  { idempotencyKey, ifMatch, accept, contentType }: CallHeaders,
  body: unknown,
): Record<string, string> {
  const type = contentType ?? (body === undefined ? undefined : "application/json");
  const headers: Record<string, string | undefined> = {
    authorization: token === null ? undefined : `Bearer ${token}`,
    "content-type": type,
    "idempotency-key": idempotencyKey,
    "if-match": ifMatch,
    accept,
  };
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** A proxy in between may answer with something else than a problem document. */
async function refusal(response: Response, type: string): Promise<Error> {
  if (type.startsWith("application/problem+json")) {
    return new ApiError((await response.json()) as z.output<typeof Problem>);
  }
  return new Error(`The server answered ${response.status}`);
}
