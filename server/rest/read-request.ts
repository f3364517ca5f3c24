import type { Context } from "hono";
import type { z } from "zod";
import {
  MAX_BODY_BYTES,
  MAX_CONTENT_BYTES,
  queryOf,
  takesBody,
  type ParsedRequest,
  type Route,
} from "../../schema/api/contract.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import { FaultyRequest, type Fault } from "./problem.ts";

/** What a request holds, parsed by its contract, and the text of its body as it came. */
export type ReadRequest<R extends Route> = ParsedRequest<R> & {
  readonly bodyText: string;
  /** What the body is, `text/html`; empty where there is none. */
  readonly mediaType: string;
};

/**
 * Reads a request by its contract.
 * @throws ScriptoriumError `bad_request` with every fault found, `unsupported_media_type`, `too_large`.
 */
export async function readRequest<R extends Route>(
  context: Context,
  contract: R,
): Promise<ReadRequest<R>> {
  const faults: Fault[] = [];
  const check = (where: string, schema: z.ZodType | undefined, value: unknown): unknown => {
    if (schema === undefined) return undefined;
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const { path, message } of result.error.issues.slice(0, MAX_FAULTS)) {
      faults.push({ at: [where, ...path.map(String)].join("."), message });
    }
    return undefined;
  };
  const params = check("path", contract.params, context.req.param());
  const query = check("query", queryOf(contract), context.req.query());
  const { body, bodyText, mediaType } = await readBody(context, contract, check);
  if (faults.length > 0) throw new FaultyRequest(faults);
  return { params, query, body, bodyText, mediaType } as ReadRequest<R>;
}

const MAX_FAULTS = 20;

async function readBody(
  context: Context,
  contract: Route,
  check: (where: string, schema: z.ZodType | undefined, value: unknown) => unknown,
): Promise<{ body: unknown; bodyText: string; mediaType: string }> {
  const { body: schema, textBody = [] } = contract;
  if (!takesBody(contract)) {
    return { body: undefined, bodyText: "", mediaType: "" };
  }
  const [type = ""] = (context.req.header("content-type") ?? "").toLowerCase().split(";", 1);
  const mediaType = type.trim();
  const isJson = schema !== undefined && mediaType === "application/json";
  if (!isJson && !textBody.some((allowed) => allowed === mediaType)) {
    const allowed = [...(schema === undefined ? [] : ["application/json"]), ...textBody];
    throw new ScriptoriumError(
      "unsupported_media_type",
      `Send the body as ${allowed.join(" or ")}, and say so in Content-Type`,
    );
  }
  const maxBytes = contract.carriesContent === true ? MAX_CONTENT_BYTES : MAX_BODY_BYTES;
  const bodyText = await readText(context.req.raw, maxBytes);
  if (!isJson) return { body: bodyText, bodyText, mediaType };
  return { body: check("body", schema, parseJson(bodyText)), bodyText, mediaType };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ScriptoriumError("bad_request", "The body is not JSON");
  }
}

/** Counted while it arrives: what a header says about the length is only what the sender says. */
async function readText(request: globalThis.Request, maxBytes: number): Promise<string> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new ScriptoriumError("bad_request", "The body is not UTF-8");
  }
}

const tooLarge = (maxBytes: number) =>
  new ScriptoriumError("too_large", `A body has at most ${maxBytes} bytes here`);
