import { z } from "zod";
import type { ErrorCode } from "../errors.ts";
import type { Right } from "../roles.ts";

/** What an id in a path can name. Every place belongs to one organization, and most to a project in it [A1]. */
export const PLACES = ["organization", "project", "document", "feature", "agent", "key"] as const;
export type PlaceKind = (typeof PLACES)[number];

/**
 * Who may call a route. `person`: somebody who signed in, not a key. `right`: whoever has this right at the place
 * that the parameter names; for all others the place does not exist, or, if they may read it, they are refused.
 * `person` beside a right: keys are refused, whatever they may do there.
 */
export type Access =
  | { readonly who: "anyone" }
  | { readonly who: "signed-in" }
  | { readonly who: "person" }
  | {
      readonly who: "right";
      readonly right: Right;
      readonly at: PlaceKind;
      readonly in: string;
      readonly person?: true;
    };

/** The sections of the API's description. */
export const TAGS = [
  "Sign-in",
  "Organizations",
  "Projects",
  "Features",
  "Documents",
  "Content",
  "Versions",
  "Discussions",
  "Suggestions",
  "Activity",
  "Search",
  "Inbox",
  "Agents and keys",
] as const;
export type Tag = (typeof TAGS)[number];

/** A media type that is text and not JSON: content goes in and out as these. */
export const TEXT_TYPES = ["text/markdown", "text/html"] as const;
export type TextType = (typeof TEXT_TYPES)[number];

/** What each event of a stream is, by its name. */
export type EventSchemas = { readonly [event: string]: z.ZodType };

/**
 * One route, as data: the door serves it, the description is printed from it, the client calls by it, and the tests
 * attack it. Nothing about it is written down twice.
 */
export type Route = {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** Under `/api/v1`; parameters as `{name}`. */
  readonly path: `/${string}`;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  readonly params?: z.ZodObject;
  /** Strict, as the body is: what is misspelt is refused, not passed over. */
  readonly query?: z.ZodObject;
  /** JSON, of at most `MAX_BODY_BYTES`. */
  readonly body?: z.ZodType;
  /** A body that is taken as it stands, for who reads the description and tries it out there. */
  readonly example?: unknown;
  /** It carries the content of a document: up to `MAX_CONTENT_BYTES`. */
  readonly carriesContent?: true;
  /** Taken in instead of JSON; the handler gets a string. */
  readonly textBody?: readonly TextType[];
  /** `body` absent: no content. `text`: may also answer with these. */
  readonly answer: {
    readonly status: 200 | 201 | 204;
    readonly body?: z.ZodType;
    readonly text?: readonly TextType[];
    /** A stream of server-sent events: the JSON of each by its name. Resumable by `Last-Event-ID`; it has no end of its own. */
    readonly events?: EventSchemas;
  };
  /** What it can answer besides the errors that every route of its kind has (see `errorsOf`). */
  readonly errors?: readonly ErrorCode[];
  /** Takes `Idempotency-Key`: the same key and request again get the first answer, and nothing is made twice. */
  readonly idempotent?: true;
  /** Answers with an `ETag`, and 304 to `If-None-Match`. */
  readonly etag?: true;
  /** Answers with `X-Content-Dropped`: how many nodes, marks and attributes were left out. */
  readonly counts?: "dropped";
  /** Answers with `X-Document-Seq`: the position of the log that its content was read at. */
  readonly readAt?: "seq";
  /** Heeds `If-Match`: two writers do not overwrite each other unseen. */
  readonly ifMatch?: "optional" | "required";
};

/** Gives a route its precise type. */
export const route = <const R extends Route>(contract: R): R => contract;

type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;
type Given<S> = S extends z.ZodType ? z.input<S> : undefined;
type Property<R extends Route, K extends keyof Route> = R extends { readonly [P in K]: infer V }
  ? V
  : undefined;
type TextOf<T> = T extends readonly TextType[] ? string : never;

/** What a handler gets of a request, parsed. A body of a text type is a string. */
export type ParsedRequest<R extends Route> = {
  readonly params: Parsed<Property<R, "params">>;
  readonly query: Parsed<Property<R, "query">>;
  readonly body: Parsed<Property<R, "body">> | TextOf<Property<R, "textBody">>;
};

/** What a caller gives, part by part; a part that the route does not have is `undefined`. */
export type CallOf<R extends Route> = {
  readonly params: Given<Property<R, "params">>;
  readonly query: Given<Property<R, "query">>;
  readonly body: Given<Property<R, "body">> | TextOf<Property<R, "textBody">>;
};

/** What the JSON of an answer is; `undefined` where there is none. */
export type AnswerOf<R extends Route> = R["answer"] extends { readonly body: infer S }
  ? Parsed<S>
  : undefined;

/** An event of a stream as the client gets it; null: a route that has none. */
export type EventOf<R extends Route> = R["answer"] extends {
  readonly events: infer E extends EventSchemas;
}
  ? {
      readonly [N in keyof E & string]: {
        readonly event: N;
        readonly id: string | null;
        readonly body: z.output<E[N]>;
      };
    }[keyof E & string]
  : null;

/** A route without a query takes none: a `?dryRun=true` that it does not know must not be passed over. */
const NO_QUERY = z.strictObject({});
/** What the query of a route is checked by. */
export const queryOf = ({ query = NO_QUERY }: Route): z.ZodObject => query;

/** Bodies are refused above this, bytes: what is larger is no name, no role and no list of scopes. */
export const MAX_BODY_BYTES = 64 * 1024;

/** … and above this where they carry the content of a document. */
export const MAX_CONTENT_BYTES = 4 * 1024 * 1024;

/** True where a request carries something that takes its time to arrive. */
export const takesBody = ({ body, textBody }: Route): boolean =>
  body !== undefined || textBody !== undefined;

/** Every code that a route can answer with: its own, and what its kind implies. */
export function errorsOf(contract: Route): readonly ErrorCode[] {
  const { access, ifMatch, idempotent } = contract;
  const hasBody = takesBody(contract);
  const implied: (ErrorCode | false)[] = [
    // Names in a query that it does not know are refused by every route.
    "bad_request",
    access.who !== "anyone" && "unauthenticated",
    // Every right but reading can be missing where the place is visible; a key can lack the scope to read.
    (access.who === "right" || access.who === "person") && "forbidden",
    access.who === "right" && (access.at === "document" ? "document_not_found" : "not_found"),
    hasBody && "too_large",
    hasBody && "unsupported_media_type",
    ifMatch !== undefined && "precondition_failed",
    ifMatch === "required" && "precondition_required",
    idempotent === true && "conflict",
    access.who !== "anyone" && "too_many_requests",
    "restarting",
    "storage_unavailable",
    ...(contract.errors ?? []),
  ];
  return [...new Set(implied.filter((code) => code !== false))];
}
