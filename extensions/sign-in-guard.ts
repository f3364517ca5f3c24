import { codeOf } from "./refusal.ts";
import type { FailedSignIns, Failure, KnownKey } from "./failed-sign-ins.ts";
import { createRecent } from "./recent.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What is presented to sign in with; `digest` is the SHA-256 of the token. */
type Presentation = Pick<Failure, "kind" | "network"> & { readonly digest: string };

/** Refuses whoever guesses, and nobody else. */
export type SignInGuard = {
  /**
   * Looks at a token, unless too many from its network were wrong. One that was good a while ago is looked at in any
   * case: nobody is kept out by what others send.
   * @throws ScriptoriumError `too_many_requests`; what `look` throws.
   */
  attempt<T>(presentation: Presentation, look: () => Promise<T>): Promise<T>;
};

/** Tokens that were good, and for how long that is remembered, ms. */
const MAX_GOOD = 50_000;
const GOOD_MS = 3_600_000;

const MAX_NETWORKS = 50_000;

/** @param failuresPerMinute wrong tokens that one network may send in a minute; good ones are not counted. */
export function createSignInGuard({
  failuresPerMinute,
  failed,
}: {
  failuresPerMinute: number;
  failed: Pick<FailedSignIns, "note">;
}): SignInGuard {
  const good = createRecent<true>({ max: MAX_GOOD, forMs: GOOD_MS });
  const failures = createRecent<TokenBucket>({ max: MAX_NETWORKS });
  const rate = { perSecond: failuresPerMinute / 60, burst: failuresPerMinute };
  const countFailure = (network: string): void => {
    const bucket = failures.get(network) ?? new TokenBucket(rate);
    bucket.take();
    failures.set(network, bucket);
  };
  return {
    async attempt(presentation, look) {
      const { digest, network } = presentation;
      const owedMs = failures.get(network)?.owedMs ?? 0;
      const retryAfterMs = good.get(digest) === true ? 0 : owedMs;
      if (retryAfterMs > 0) {
        failed.note({ ...presentation, isLookedAt: false });
        const message = "Too many wrong tokens came from your network; try again later";
        throw new ScriptoriumError("too_many_requests", message, { retryAfterMs });
      }
      try {
        const found = await look();
        good.set(digest, true);
        return found;
      } catch (error) {
        if (codeOf(error) === "unauthenticated") {
          good.delete(digest);
          countFailure(network);
          failed.note({ ...presentation, isLookedAt: true, key: keyIn(error) });
        }
        throw error;
      }
    },
  };
}

/** A key that exists, presented with a wrong secret. */
export class WrongSecret extends ScriptoriumError {
  readonly key: KnownKey;
  constructor(key: KnownKey) {
    super("unauthenticated", "The token is not valid, or no longer");
    this.key = key;
  }
}

const keyIn = (error: unknown): KnownKey | null =>
  error instanceof WrongSecret ? error.key : null;
