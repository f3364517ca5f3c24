import { type ApiClient, ApiError, createApiClient } from "../client/api.ts";
import type { ErrorCode } from "../schema/errors.ts";
import { readToken } from "./session.ts";

/** Who is signed in, as the server says. */
export type Me = Awaited<ReturnType<ApiClient["getMe"]>>["body"];

/** What every page of a signed-in person works with. */
export type Page = {
  readonly body: HTMLElement;
  readonly client: ApiClient;
  readonly me: Me;
};

/** The REST API of the server that this page came from, in the name of whoever is signed in. */
export const createClient = (token: () => string | null = readToken): ApiClient =>
  createApiClient({ url: "", token });

/** The server's code for a refusal, null for anything else that went wrong. */
export const codeOf = (error: unknown): ErrorCode | null =>
  error instanceof ApiError ? error.problem.code : null;

/** True when the token is no longer good. */
export const isSignedOut = (error: unknown): boolean => codeOf(error) === "unauthenticated";

/** What went wrong, in a sentence for a person. */
export function sentenceOf(error: unknown): string {
  if (isSignedOut(error)) {
    return "You are no longer signed in. Sign in in another tab, then try again.";
  }
  if (error instanceof ApiError) return withErrors(error);
  // What fetch throws when there is no answer; its own words differ from browser to browser.
  if (error instanceof TypeError) return "The server cannot be reached. Please try again.";
  return error instanceof Error ? error.message : "Something went wrong.";
}

function withErrors({ problem }: ApiError): string {
  const parts = (problem.errors ?? []).map(
    ({ at, message }) => `${at.replace("body.", "")}: ${message}`,
  );
  const detail = /[.!?]$/u.test(problem.detail) ? problem.detail : `${problem.detail}.`;
  return parts.length === 0 ? detail : `${detail} ${parts.join("; ")}`;
}
