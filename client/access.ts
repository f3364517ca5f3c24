import { ScriptoriumError } from "../schema/errors.ts";
import { refusalOfReason } from "./refusal.ts";

/**
 * A token, or how to get one that is valid now: asked for at every connection, by the server before a JWT expires, and
 * once more when the server has refused what it gave.
 */
export type Token = string | (() => string | Promise<string>);

/** The token of one document, and what a refusal of it means. */
export type Access = {
  /** For the stock provider's `token`. */
  readonly read: () => Promise<string>;
  /** Judges a PermissionDenied reason: the refusal that is final, or null when another attempt should be made. */
  denied(reason: string): ScriptoriumError | null;
  /** Judges a refusal: final, or (a first `unauthenticated` with a token that can be renewed) null. */
  final(refusal: ScriptoriumError | null): ScriptoriumError | null;
  /** The server let us in: the next refusal may ask for a fresh token again. */
  succeeded(): void;
  /** The user acts: a new token, or the old one once more. */
  renew(token: Token | undefined): void;
};

/** Keeps the token of a collaboration and says what it currently is. */
export function createAccess(initial: Token): Access {
  let token = initial;
  let askedAgain = false;
  // The stock provider turns a throwing token function into a PermissionDenied of its own making, with a sentence
  // for a reason. What was thrown is kept for denied().
  let failure: { cause: unknown } | undefined;

  const final = (refusal: ScriptoriumError | null): ScriptoriumError | null => {
    const renewable = refusal?.code === "unauthenticated" && typeof token === "function";
    if (!renewable || askedAgain) return refusal;
    askedAgain = true;
    return null;
  };

  return {
    read: async () => {
      failure = undefined;
      if (typeof token === "string") return token;
      try {
        return await token();
      } catch (cause) {
        failure = { cause };
        throw cause;
      }
    },
    denied(reason) {
      if (failure === undefined) return final(refusalOfReason(reason));
      const { cause } = failure;
      // A token service that is down comes back; one that says no in our own words has decided.
      return cause instanceof ScriptoriumError ? refusalOfReason(cause.code) && cause : null;
    },
    final,
    succeeded() {
      askedAgain = false;
    },
    renew(fresh) {
      token = fresh ?? token;
      askedAgain = false;
    },
  };
}
