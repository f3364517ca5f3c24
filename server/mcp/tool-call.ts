import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { z } from "zod";
import type { Problem } from "../../schema/api/common.ts";
import { FaultyRequest, type Fault } from "../rest/problem.ts";
import { refusalOf } from "./refusal.ts";
import type { RouteCall, RouteParts } from "./route-call.ts";
import { HEADER_OF, type Home, type ToolShape } from "./tool-shape.ts";

type Arguments = Readonly<Record<string, unknown>>;

/**
 * Calls a tool.
 * @throws ScriptoriumError `bad_request` for arguments that the tool does not have, and those that cannot be sent.
 */
export async function callTool(
  shape: ToolShape,
  given: Arguments,
  call: RouteCall,
): Promise<CallToolResult> {
  const response = await call(shape.contract, partsOf(shape, given));
  const text = await response.text();
  if (!response.ok) return refusalOf(JSON.parse(text) as Problem);
  if (response.headers.get("content-type") === "application/json") {
    return { content: [textOf(text)], structuredContent: JSON.parse(text) as Arguments };
  }
  // JSON has it in itself.
  const seq = response.headers.get("x-document-seq");
  const told = seq === null ? [] : [textOf(`Read at seq ${seq}.`)];
  return { content: [textOf(text), ...told] };
}

const textOf = (text: string) => ({ type: "text", text }) as const;

/** The query and the body are judged by the route; what becomes a path or a header is judged before it is one. */
function partsOf({ contract, homes, headers, defaults }: ToolShape, given: Arguments): RouteParts {
  const at = (home: Home): Arguments =>
    Object.fromEntries(Object.entries(given).filter(([name]) => homes.get(name) === home));
  const params = at("params");
  const written = withoutNull(at("headers"));
  const faults = [
    ...unknownFaults(homes, given),
    ...faultsOf(contract.params, params),
    ...faultsOf(headers, written),
  ];
  if (faults.length > 0) throw new FaultyRequest(faults);
  const named = Object.entries(HEADER_OF).map(([name, header]) => [header, written[name]]);
  return {
    params,
    query: { ...defaults, ...withoutNull(at("query")) },
    ...(contract.body !== undefined && { body: at("body") }),
    headers: Object.fromEntries(named.filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >,
  };
}

/** There may be as many as a message has room for. */
const MAX_UNKNOWN = 20;

/** A name that is written wrongly would otherwise be left out unseen: a comment on words becomes one on everything. */
function unknownFaults(homes: ToolShape["homes"], given: Arguments): Fault[] {
  const message = `is no argument of this tool; it takes ${[...homes.keys()].join(", ")}`;
  const unknown = Object.keys(given).filter((name) => !homes.has(name));
  return unknown.slice(0, MAX_UNKNOWN).map((name) => ({ at: `arguments.${name}`, message }));
}

function faultsOf(schema: z.ZodType | undefined, value: Arguments): Fault[] {
  const issues = schema?.safeParse(value).error?.issues ?? [];
  return issues.map(({ path, message }) => ({
    at: ["arguments", ...path.map(String)].join("."),
    message,
  }));
}

/** Models send null for what they leave out. */
const withoutNull = (values: Arguments): Arguments =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
