import { ScriptoriumError } from "../schema/errors.ts";
import type { Config } from "./config.ts";

/** Addresses that mean "every interface": nobody can open them. */
const EVERYWHERE = ["0.0.0.0", "::"];

/**
 * Where people reach this server, without a slash at the end: `PUBLIC_URL`, else its own address.
 * `port`: the one it listens on, where that is known.
 * @throws ScriptoriumError `bad_configuration` when nobody can know the port.
 */
export function publicUrl(
  { PUBLIC_URL, HOST, PORT }: Pick<Config, "PUBLIC_URL" | "HOST" | "PORT">,
  port = PORT,
): string {
  if (PUBLIC_URL !== undefined) return PUBLIC_URL.replace(/\/+$/u, "");
  if (port === 0) {
    throw new ScriptoriumError(
      "bad_configuration",
      "PORT is 0, so only the running server knows its address; set PUBLIC_URL to it",
    );
  }
  const host = EVERYWHERE.includes(HOST) ? "127.0.0.1" : HOST;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The address of a one-time sign-in link. What follows the # stays in the browser: no server, no log and no proxy sees it. */
export const signInUrl = (base: string, token: string): string => `${base}/sign-in#${token}`;
