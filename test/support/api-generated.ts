import fc from "fast-check";
import { createValueMaker, type ValueMaker } from "./api-arbitraries.ts";
import { CALLER_NAMES, type CallerName } from "./api-callers.ts";
import {
  operationsOf,
  type ApiDocument,
  type Parameter,
  type PlacedOperation,
} from "./api-document.ts";
import { brokenJson, hostileProse, hostileText, hostileValue, marker } from "./api-hostile.ts";

/** A request before its markers are filled in. */
export type GeneratedRequest = {
  readonly operation: PlacedOperation;
  readonly method: string;
  /** Under the server's root, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly caller: CallerName;
  /** False where the path may lead to another route, or the method to none: then only what holds everywhere is asked. */
  readonly isOnRoute: boolean;
};

/** Callers that get far come often. */
const anyCaller: fc.Arbitrary<CallerName> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<CallerName>("admin") },
  { weight: 1, arbitrary: fc.constantFrom<CallerName>("owner", "editor", "key admin", "agent") },
  { weight: 2, arbitrary: fc.constantFrom(...CALLER_NAMES) },
);

/** Segments that a URL parser takes away, or that are routes of their own. */
const STRAY = ["", ".", "..", "%2e%2e", "current", "restore", "__proto__"];

const garbageSegment = fc.oneof(
  fc.constantFrom("%00", "%ff", "%", "a%2fb", "*", ":id", "1e3", "-1", "99999999999999999999"),
  hostileText.map((text) => encodeURIComponent(text.toWellFormed()).slice(0, 2000)),
);

/** What the world has under the parameter's own name, and its schema alone would not find. */
const OWN_NAMED = ["threadId", "commentId", "sectionId"];

type Segment = { readonly text: string; readonly isStray: boolean };

function segmentFor(make: ValueMaker, { name, schema }: Parameter): fc.Arbitrary<Segment> {
  const isOwned =
    name === "sessionId" ||
    name === "notificationId" ||
    (name === "keyId" && schema["format"] === "uuid");
  const fitting = fc.oneof(
    { weight: 4, arbitrary: make(schema, name).map(asSegment) },
    ...(isOwned ? [fc.constantFrom(marker("caller", name), marker("own", "keyId"))] : []),
    ...(name === "number" ? [fc.constant(marker("own", "versionNumber"))] : []),
    ...(name === "userId" ? [fc.constant(marker("own", "guestId"))] : []),
    ...(name === "emoji" ? [fc.constantFrom("%F0%9F%91%8D", "%E2%9D%A4%EF%B8%8F")] : []),
    ...(OWN_NAMED.includes(name) ? [fc.constant(marker("own", name))] : []),
  );
  const plain = (text: string): Segment => ({ text, isStray: STRAY.includes(text) });
  return fc.oneof(
    { weight: 12, arbitrary: fitting.map(plain) },
    { weight: 1, arbitrary: garbageSegment.map(plain) },
    { weight: 1, arbitrary: fc.constantFrom(...STRAY).map(plain) },
  );
}

/** Markers stay as they are; everything else is written as a path needs it. */
const asSegment = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.startsWith("«") ? text : encodeURIComponent(text.toWellFormed()).slice(0, 2000);
};

const queryValue = (make: ValueMaker, { name, schema }: Parameter): fc.Arbitrary<string> => {
  const usual = make(schema, name).map(asSegment);
  if (name !== "cursor") return usual;
  const seen = fc.nat({ max: 60 }).map((index) => `«cursor.${index}»`);
  const twisted = fc
    .tuple(fc.nat({ max: 40 }), fc.constantFrom(0, 1, 1, 1, 2), hostileValue)
    .map(
      ([index, place, value]) =>
        `«cursor.${index}.${place}.${Buffer.from(JSON.stringify(value).slice(0, 300)).toString("base64url")}»`,
    );
  return fc.oneof({ weight: 3, arbitrary: seen }, { weight: 6, arbitrary: twisted }, usual);
};

/** Some of the parameters, now and then one twice, now and then one that nobody knows. */
function queryFor(make: ValueMaker, parameters: readonly Parameter[]): fc.Arbitrary<string> {
  if (parameters.length === 0) return fc.constantFrom("", "", "", "?x=1");
  const pair = fc
    .constantFrom(...parameters)
    .chain((each) => queryValue(make, each).map((value) => `${each.name}=${value}`));
  const odd = fc.constantFrom("__proto__=1", "limit[]=1", "=", "&&", "limit", "%00=%00");
  const pairs = fc.array(fc.oneof({ weight: 9, arbitrary: pair }, odd), { maxLength: 3 });
  // What a search cannot do without, more often than luck would have it.
  const usual = parameters.some(({ name }) => name === "q") ? ["q=document"] : [];
  return fc
    .tuple(fc.boolean(), pairs)
    .map(([isUsual, others]) => [...(isUsual ? usual : []), ...others])
    .map((all) => (all.length === 0 ? "" : `?${all.join("&")}`));
}

const etagLike = fc.constantFrom(
  '"x"',
  "*",
  'W/"x"',
  '"1"',
  "x",
  ",,,",
  '"a", "b"',
  '"'.repeat(500),
);

const HEADER_VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  "Idempotency-Key": fc.constantFrom("k1", "k2", "k3", "a b", "é", "x".repeat(201), "\t"),
  "If-Match": fc.oneof({ weight: 3, arbitrary: fc.constant("*") }, etagLike),
  "If-None-Match": etagLike,
  "Last-Event-ID": fc.constantFrom("0", "1", "999999", "-1", "1.5", "abc", "9".repeat(30), "é", ""),
};

/** @throws Error for a header that it knows no values for. */
function headersFor(parameters: readonly Parameter[]): fc.Arbitrary<Record<string, string>> {
  const shape = parameters.map(({ name }) => {
    const values = HEADER_VALUES[name];
    if (values === undefined) throw new Error(`The generator knows no values for ${name}`);
    return [name.toLowerCase(), values] as const;
  });
  const odd = fc.constantFrom("Basic YTpi", "Bearer", "Bearer a b", "bearer  x", "Bearer é", "");
  return fc.record(
    {
      ...Object.fromEntries(shape),
      accept: fc.constantFrom("*/*", "text/html", "application/json;q=0", "é"),
      authorization: fc.oneof({ weight: 20, arbitrary: fc.constant("«token»") }, odd),
    },
    { requiredKeys: ["authorization"] },
  );
}

type Body = { readonly type: string; readonly text: string | null };

function bodyFor(make: ValueMaker, { requestBody }: PlacedOperation): fc.Arbitrary<Body> {
  const offered = Object.entries(requestBody?.content ?? {});
  if (offered.length === 0) {
    const junk = fc.record({ type: fc.constant("application/json"), text: brokenJson });
    return fc.oneof({ weight: 9, arbitrary: fc.constant({ type: "", text: null }) }, junk);
  }
  const fitting = fc
    .constantFrom(...offered)
    .chain(([type, { schema }]): fc.Arbitrary<Body> =>
      type === "application/json"
        ? make(schema, "body").map((value) => ({ type, text: JSON.stringify(value) }))
        : hostileProse.map((text) => ({ type, text })),
    );
  const types = ["", "text/plain", "application/json; charset=latin1", "multipart/form-data", "x"];
  const wrongType = fc.record({
    type: fc.constantFrom(...types, "APPLICATION/JSON", "text/html"),
    text: fc.constantFrom("{}", "", "x"),
  });
  const broken = fc.record({
    type: fc.constantFrom(...offered.map(([type]) => type)),
    text: brokenJson,
  });
  return fc.oneof(
    { weight: 16, arbitrary: fitting },
    { weight: 1, arbitrary: wrongType },
    { weight: 1, arbitrary: broken },
  );
}

const METHODS = ["HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE", "GET", "PROPFIND"];

/** Valid, nearly valid and hostile requests for one operation. */
function requestFor(make: ValueMaker, operation: PlacedOperation): fc.Arbitrary<GeneratedRequest> {
  const parameters = operation.parameters ?? [];
  const among = (place: Parameter["in"]) => parameters.filter((each) => each.in === place);
  const segments = among("path").map((each) => [each.name, segmentFor(make, each)] as const);
  return fc
    .record({
      segments: fc.record(Object.fromEntries(segments)),
      query: queryFor(make, among("query")),
      headers: headersFor(among("header")),
      body: bodyFor(make, operation),
      caller: anyCaller,
      otherMethod: fc.oneof(
        { weight: 20, arbitrary: fc.constant(null) },
        fc.constantFrom(...METHODS),
      ),
    })
    .map(({ segments: chosen, query, headers, body, caller, otherMethod }) => ({
      operation,
      method: otherMethod ?? operation.method.toUpperCase(),
      path: `${operation.path.replaceAll(/\{(\w+)\}/gu, (_, name: string) => chosen[name]?.text ?? "")}${query}`,
      headers: body.type === "" ? headers : { ...headers, "content-type": body.type },
      body: body.text,
      caller,
      isOnRoute: otherMethod === null && !Object.values(chosen).some(({ isStray }) => isStray),
      // What fast-check prints of it; the operation alone would fill a screen.
      [fc.toStringMethod]: () => `${operation.operationId} by ${caller}`,
    }));
}

/** Requests of every operation of a description, each as often as the others. */
export function requestsOf(document: ApiDocument): fc.Arbitrary<GeneratedRequest> {
  const make = createValueMaker(document);
  return fc.oneof(...operationsOf(document).map((operation) => requestFor(make, operation)));
}
