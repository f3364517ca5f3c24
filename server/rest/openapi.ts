import { OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import manifest from "../../package.json" with { type: "json" };
import { Problem } from "../../schema/api/common.ts";
import { errorsOf, TAGS, type EventSchemas, type Route } from "../../schema/api/contract.ts";
import { api } from "../../schema/api/index.ts";
import { writingHeaders } from "../../schema/api/writing-headers.ts";
import { ERRORS, type ErrorCode } from "../../schema/errors.ts";

type Description = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;

let description: Description | null = null;

/** The OpenAPI 3.1 document, printed from the contract once. */
export function describeApi(): Description {
  description ??= print();
  return description;
}

function print(): Description {
  const app = new OpenAPIHono();
  app.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description: "A session token, an API key, or a JWT of the host application",
  });
  for (const [name, contract] of Object.entries<Route>(api)) {
    app.openAPIRegistry.registerPath(describe(name, contract));
  }
  const printed = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Scriptorium",
      version: manifest.version,
      description:
        "Errors are RFC 9457 problem documents; `code` is one of a closed set. Lists answer a page and `nextCursor`. " +
        "Whoever may not see something is told that it does not exist.",
    },
    servers: [{ url: "/" }],
    tags: TAGS.map((tag) => ({ name: tag })),
  });
  return withPlainPatterns(printed);
}

/** The printer leaves its flag on a regular expression, `…$/u`: to JSON Schema that is a pattern that nothing fits. */
const withPlainPatterns = (printed: Description): Description =>
  JSON.parse(
    JSON.stringify(printed, (key, value: unknown) =>
      key === "pattern" && typeof value === "string" ? value.replace(/\/u$/u, "") : value,
    ),
  ) as Description;

function describe(name: string, contract: Route): RouteConfig {
  const { method, path, tag, summary, description: text, access, params, query } = contract;
  const headers = headersOf(contract);
  const body = bodyOf(contract);
  return {
    method,
    path: `/api/v1${path}`,
    operationId: name,
    tags: [tag],
    summary,
    description: [text, rightOf(contract)].filter((each) => each !== undefined).join("\n\n"),
    security: access.who === "anyone" ? [] : [{ token: [] }],
    request: {
      ...(params !== undefined && { params }),
      ...(query !== undefined && { query }),
      ...(headers !== null && { headers }),
      ...(body !== null && { body }),
    },
    responses: { ...success(contract), ...problems(errorsOf(contract)) },
  };
}

function rightOf({ access }: Route): string | undefined {
  const person = "For people who signed in, not for keys.";
  if (access.who === "right") {
    const right = `Takes the right to \`${access.right}\` there.`;
    return access.person === true ? `${right} ${person}` : right;
  }
  return access.who === "person" ? person : undefined;
}

function headersOf(contract: Route): z.ZodObject | null {
  const { etag, method, answer } = contract;
  const headers: Record<string, z.ZodType> = writingHeaders(contract);
  if (etag === true && method === "get") {
    headers["If-None-Match"] = z.string().optional().describe("An ETag: 304 while it is the same");
  }
  if (answer.events !== undefined) {
    headers["Last-Event-ID"] = z
      .string()
      .optional()
      .describe("The id of the last event that you have; absent: only what is new from now on");
  }
  return Object.keys(headers).length === 0 ? null : z.object(headers);
}

function bodyOf({
  body,
  example,
  textBody = [],
}: Route): NonNullable<NonNullable<RouteConfig["request"]>["body"]> | null {
  if (body === undefined && textBody.length === 0) return null;
  const text = textBody.map((type) => [type, { schema: z.string() }] as const);
  return {
    required: true,
    content: {
      ...(body !== undefined && { "application/json": { schema: body, example } }),
      ...Object.fromEntries(text),
    },
  };
}

const Dropped = z
  .string()
  .describe(
    "How many nodes, marks and attributes were left out, since the document schema does not have them",
  );

const ReadAt = z
  .string()
  .regex(/^\d+$/u)
  .describe("The position of the document's log that this was read at");

function success({ answer, etag, counts, readAt, method }: Route): RouteConfig["responses"] {
  const text = (answer.text ?? []).map((type) => [type, { schema: z.string() }] as const);
  const content = {
    ...(answer.body !== undefined && { "application/json": { schema: answer.body } }),
    ...Object.fromEntries(text),
    ...(answer.events !== undefined && {
      "text/event-stream": { schema: eventsOf(answer.events) },
    }),
  };
  return {
    [answer.status]: {
      description: "Done",
      ...(Object.keys(content).length > 0 && { content }),
      ...(etag === true && {
        headers: z.object({
          ETag: z.string(),
          ...(counts === "dropped" && { "X-Content-Dropped": Dropped }),
          ...(readAt === "seq" && { "X-Document-Seq": ReadAt }),
        }),
      }),
    },
    ...(etag === true && method === "get" && { 304: { description: "Not changed" } }),
  };
}

/** OpenAPI 3.1 knows no streams: the text, and beside it what the JSON of each event is. */
const eventsOf = (events: EventSchemas): z.ZodType =>
  z.string().describe(
    Object.entries(events)
      .map(
        ([name, schema]) => `\`event: ${name}\`, data: \`${JSON.stringify(jsonSchemaOf(schema))}\``,
      )
      .join("\n\n"),
  );

const jsonSchemaOf = (schema: z.ZodType): object =>
  z.toJSONSchema(schema, { unrepresentable: "any" });

/** One answer for each status: several codes may share it. */
function problems(codes: readonly ErrorCode[]): RouteConfig["responses"] {
  const byStatus = Map.groupBy(codes, (code) => ERRORS[code].http);
  return Object.fromEntries(
    [...byStatus].map(([status, each]) => [
      status,
      {
        description: each.map((code) => `\`${code}\``).join(", "),
        content: { "application/problem+json": { schema: Problem } },
      },
    ]),
  );
}
