import type { Context } from "hono";
import type { Route, TextType } from "../../schema/api/contract.ts";
import { eventResponse, type EventSource } from "./event-stream.ts";
import type { Reply } from "./serve.ts";

/** The answer that a handler gave, as its contract has it. */
export function respond(context: Context, contract: Route, reply: Reply<Route>): Response {
  const { etag, location, dropped, seq } = reply;
  context.header("cache-control", "private, no-cache");
  if (location !== undefined) context.header("location", `/api/v1${location}`);
  if (dropped !== undefined) context.header("x-content-dropped", String(dropped));
  if (seq !== undefined) context.header("x-document-seq", String(seq));
  if (etag !== undefined) {
    context.header("etag", `"${etag}"`);
    const known = context.req
      .header("if-none-match")
      ?.split(",")
      .map((each) => each.trim());
    if (contract.method === "get" && known?.includes(`"${etag}"`) === true) {
      return context.body(null, 304);
    }
  }
  const { status } = contract.answer;
  if ("text" in reply) {
    const { text, type } = reply as unknown as { text: string; type: TextType };
    return context.body(text, status as 200, {
      "content-type": `${type}; charset=utf-8`,
      // For programs: a browser that comes here keeps it as a file.
      "content-disposition": "attachment",
    });
  }
  if ("events" in reply) return eventResponse(context, reply.events as EventSource);
  if (status === 204) return context.body(null, 204);
  const json = "json" in reply ? String(reply.json) : JSON.stringify(reply.body);
  return context.body(json, status, { "content-type": "application/json" });
}
