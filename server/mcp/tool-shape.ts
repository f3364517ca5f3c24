import type { ListToolsResult } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import type { Route } from "../../schema/api/contract.ts";
import { api } from "../../schema/api/index.ts";
import { writingHeaders } from "../../schema/api/writing-headers.ts";
import { TOOLS, type Tool } from "./tools.ts";

/** The part of a request that an argument goes into. */
export type Home = "params" | "query" | "body" | "headers";

/** A tool as its route makes it. */
export type ToolShape = Pick<Tool, "defaults"> & {
  readonly contract: Route;
  /** What clients are told. */
  readonly told: ListToolsResult["tools"][number];
  /** Where each argument goes. */
  readonly homes: ReadonlyMap<string, Home>;
  /** The headers, under the names of their arguments. */
  readonly headers: z.ZodObject;
};

/** What a header is called among arguments. */
export const HEADER_OF = { idempotencyKey: "Idempotency-Key", ifMatch: "If-Match" } as const;

let shapes: ReadonlyMap<string, ToolShape> | null = null;

/** Every tool in its shape, by its name; made once. */
export function toolShapes(): ReadonlyMap<string, ToolShape> {
  shapes ??= new Map(Object.entries(TOOLS).map(([name, tool]) => [name, shapeOf(name, tool)]));
  return shapes;
}

function shapeOf(name: string, { route, description, defaults = {} }: Tool): ToolShape {
  const contract: Route = api[route];
  const headers = headersOf(contract);
  const { params, query, body } = contract;
  const homes = new Map<string, Home>();
  const properties: Record<string, object> = {};
  const required: string[] = [];
  for (const [home, schema] of Object.entries({ params, query, body, headers })) {
    const part: JsonSchema = schema === undefined ? {} : jsonSchemaOf(schema, "input");
    for (const [argument, each] of Object.entries(part.properties ?? {})) {
      homes.set(argument, home as Home);
      const own = defaults[argument];
      properties[argument] = own === undefined ? each : { ...each, default: own };
    }
    required.push(...(part.required ?? []));
  }
  const inputSchema = {
    type: "object" as const,
    properties,
    required,
    additionalProperties: false,
  };
  const told = {
    name,
    description,
    inputSchema,
    ...outputOf(contract),
    annotations: hintsOf(contract),
  };
  return { contract, told, homes, headers, defaults };
}

function headersOf(contract: Route): z.ZodObject {
  const all = writingHeaders(contract);
  const named = Object.entries(HEADER_OF).map(
    ([argument, header]) => [argument, all[header]] as const,
  );
  return z.object(Object.fromEntries(named.filter(([, schema]) => schema !== undefined)));
}

/** Only where the answer is JSON whatever is asked for: a client holds the tool to it. */
function outputOf({ answer }: Route): Pick<ToolShape["told"], "outputSchema"> {
  if (answer.body === undefined || answer.text !== undefined) return {};
  return { outputSchema: { ...jsonSchemaOf(answer.body, "output"), type: "object" } };
}

const hintsOf = ({ method, summary }: Route): ToolShape["told"]["annotations"] => ({
  title: summary,
  readOnlyHint: method === "get",
  destructiveHint: ["put", "patch", "delete"].includes(method),
  openWorldHint: false,
});

type Said = Record<string, unknown>;

/** What is said of a schema but its name: one that has a name is printed as a reference, which many clients of models cannot follow. */
class Unnamed extends z.core.$ZodRegistry<Said> {
  override get<S extends z.core.$ZodType>(schema: S): z.core.$replace<Said, S> {
    return { ...z.globalRegistry.get(schema), id: undefined };
  }
}

type JsonSchema = { readonly properties?: Record<string, object>; readonly required?: string[] };

const jsonSchemaOf = (schema: z.ZodType, io: "input" | "output"): JsonSchema =>
  z.toJSONSchema(schema, { io, unrepresentable: "any", metadata: new Unnamed() }) as JsonSchema;
