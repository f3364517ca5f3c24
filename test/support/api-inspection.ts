import type { JsonSchema, SchemaJudge } from "./api-document.ts";
import type { DoorAnswer, DoorRequest } from "./api-door.ts";
import type { GeneratedRequest } from "./api-generated.ts";
import type { World } from "./api-world.ts";

/** Judges of the description that answers are held against: of what is sent, and, stricter, of what comes back. */
export type Judges = { readonly sent: SchemaJudge; readonly answered: SchemaJudge };

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/u;

/** What no answer may show: stacks, statements, hashes, folders of the machine. */
const INSIDES =
  /\bat \S+ \(|node:internal|node_modules|\.ts:\d|key_hash|token_hash|\$2[aby]\$|PostgresError|select .* from |insert into |update .* set /iu;

/** Every way in which an answer breaks the description or the rules that all answers keep. Empty: none. */
export function faultsOf(
  request: GeneratedRequest,
  { sent, answer, world }: { sent: DoorRequest; answer: DoorAnswer; world: World },
  judges: Judges,
): string[] {
  const faults = [
    ...everywhere(sent, answer, world),
    ...(request.isOnRoute ? onRoute(request, sent, answer, judges) : []),
  ];
  const isProblem = answer.headers["content-type"] === "application/problem+json";
  if (isProblem && sent.method !== "HEAD") faults.push(...problemFaults(answer, judges.answered));
  return faults;
}

function everywhere(
  sent: DoorRequest,
  { status, headers, text }: DoorAnswer,
  world: World,
): string[] {
  const faults: string[] = [];
  if (status >= 500) faults.push(`it answered ${status}: ${text.slice(0, 300)}`);
  if (!UUID.test(headers["x-request-id"] ?? "")) faults.push("it has no x-request-id");
  // What was sent may come back; that it looks like our insides is then no sign.
  const quoted = sent.body !== undefined && text.includes(String(sent.body).slice(1, -1));
  if (!quoted && INSIDES.test(text)) faults.push(`it shows its insides: ${text.slice(0, 300)}`);
  const everything = `${text}${JSON.stringify(headers)}`;
  const tokens = world.callers.flatMap(({ name, token }) =>
    token === null || name === "garbage" ? [] : [token],
  );
  if (tokens.some((token) => everything.includes(token))) faults.push("it shows a token");
  if (
    status >= 400 &&
    sent.method !== "HEAD" &&
    headers["content-type"] !== "application/problem+json"
  ) {
    faults.push(`a refusal came as ${headers["content-type"]}`);
  }
  return faults;
}

function onRoute(
  { operation }: GeneratedRequest,
  sent: DoorRequest,
  { status, headers, text }: DoorAnswer,
  judges: Judges,
): string[] {
  const documented = operation.responses[String(status)];
  if (documented === undefined) return [`${status} is not documented`];
  const faults: string[] = [];
  const [type = ""] = (headers["content-type"] ?? "").split(";");
  const content = documented.content ?? {};
  const schema = content[type]?.schema;
  if (Object.keys(content).length === 0) {
    if (text !== "") faults.push(`${status} is documented without a body`);
  } else if (schema === undefined) {
    faults.push(`${status} as "${type}" is not documented`);
  } else if (type.endsWith("json")) {
    const why = judges.answered(schema, JSON.parse(text));
    if (why !== null) faults.push(`the body is not as documented: ${why} ${text.slice(0, 300)}`);
  }
  if (status < 300) {
    faults.push(...acceptedFaults(operation.requestBody?.content, sent, judges.sent));
  }
  return faults;
}

/** A body that its own description forbids must not be taken. */
function acceptedFaults(
  content: { readonly [type: string]: { readonly schema: JsonSchema } } | undefined,
  { headers, body }: DoorRequest,
  judge: SchemaJudge,
): string[] {
  const schema = content?.["application/json"]?.schema;
  const isJson = headers?.["content-type"]?.toLowerCase().startsWith("application/json") === true;
  if (schema === undefined || body === undefined || !isJson) return [];
  // A byte order mark is no part of the text; names are trimmed before they are judged.
  const json = String(body).replace(/^\ufeff/u, "");
  const trimmed: unknown = JSON.parse(json, (_, value: unknown) =>
    typeof value === "string" ? value.trim() : value,
  );
  const why = judge(schema, trimmed);
  return why === null ? [] : [`it took a body that the description forbids: ${why}`];
}

function problemFaults({ status, headers, text }: DoorAnswer, judge: SchemaJudge): string[] {
  const problem = JSON.parse(text) as {
    status?: unknown;
    code?: unknown;
    requestId?: unknown;
    type?: unknown;
  };
  const why = judge({ $ref: "#/components/schemas/Problem" }, problem);
  const agrees =
    problem.status === status &&
    problem.requestId === headers["x-request-id"] &&
    problem.type === `urn:scriptorium:problem:${String(problem.code)}`;
  return [
    ...(why === null ? [] : [`the problem document is not one: ${why}`]),
    ...(agrees ? [] : ["the problem document says something else than the headers"]),
  ];
}
