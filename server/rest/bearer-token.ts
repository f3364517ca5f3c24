import type { Context } from "hono";
import { ScriptoriumError } from "../../schema/errors.ts";

/** @throws ScriptoriumError `unauthenticated` where there is none. Never from the URL: those end up in logs. */
export function bearerToken(context: Context): string {
  const match = /^Bearer +(?<token>\S+)$/iu.exec(context.req.header("authorization") ?? "");
  const token = match?.groups?.["token"];
  if (token !== undefined) return token;
  throw new ScriptoriumError("unauthenticated", "Send a token: Authorization: Bearer <token>");
}
