import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTVerifyGetKey,
} from "jose";
import type { Logger } from "pino";
import { ScriptoriumError } from "../schema/errors.ts";

/** A set that could not be fetched is asked for again after this, ms: people who come back must not become a flood. */
const AFTER_FAILURE_MS = 1000;

/** A key that is not in the set is looked for in a new one at most this often, ms: anybody can invent key ids. */
const COOLDOWN_MS = 10_000;

/** A key taken out of the set is good for this long, ms. */
const MAX_AGE_MS = 600_000;

/** How long a fetch may take, ms: people wait for it. */
const FETCH_TIMEOUT_MS = 5000;

/**
 * The public keys of the host application, fetched when first needed and again when a token names an unknown one:
 * that is rotation. The answer throws ScriptoriumError `storage_unavailable` while the set cannot be had.
 */
export function createKeySet(
  url: URL,
  { logger, cooldownMs = COOLDOWN_MS }: { logger: Logger; cooldownMs?: number },
): JWTVerifyGetKey {
  const find = createRemoteJWKSet(url, {
    cooldownDuration: cooldownMs,
    cacheMaxAge: MAX_AGE_MS,
    timeoutDuration: FETCH_TIMEOUT_MS,
    [customFetch]: createFetch(logger),
  });
  return async (header, token) => {
    try {
      return await find(header, token);
    } catch (cause) {
      // These two are about the token; everything else is about the set.
      if (cause instanceof errors.JWKSNoMatchingKey) throw cause;
      if (cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
      throw new ScriptoriumError(
        "storage_unavailable",
        "The keys of the host application (JWKS_URL) cannot be had at the moment",
        { cause },
      );
    }
  };
}

/** Fetches, but not again right after it failed. */
function createFetch(logger: Logger): FetchImplementation {
  let failedAtMs = -Infinity;
  const failed = (fields: object): void => {
    failedAtMs = performance.now();
    logger.warn(fields, "the key set of the host application cannot be fetched");
  };
  return async (address, options) => {
    if (performance.now() - failedAtMs < AFTER_FAILURE_MS) {
      throw new Error("The last fetch failed a moment ago");
    }
    try {
      const response = await fetch(address, options);
      if (response.status !== 200) failed({ status: response.status });
      return response;
    } catch (error) {
      failed({ err: error });
      throw error;
    }
  };
}
