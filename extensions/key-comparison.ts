import { verify } from "@node-rs/bcrypt";
import { ScriptoriumError } from "../schema/errors.ts";
import { createRecent } from "./recent.ts";
import { Tally } from "./tally.ts";
import { TokenBucket } from "./token-bucket.ts";
import { createTurns } from "./turns.ts";

/**
 * Verdicts that are remembered of each kind. That a token matches a hash is true for ever, so it is not forgotten
 * until others make room; whether the key still lives is read every time. What does not match is kept apart, so that
 * no flood of wrong keys displaces a right one.
 */
const MAX_VERDICTS = 10_000;

/** bcrypt runs in libuv's pool of four; two at once leave room for files and DNS (A4). */
const MAX_COMPARISONS = 2;

/** What waits for a comparison beyond this is turned away: whoever sends so many keys is guessing. */
const MAX_WAITING = 200;
const MAX_WAITING_PER_NETWORK = 100;

/** Wrong secrets of one prefix that are compared: a bcrypt takes 50 ms of a processor. */
const WRONG_PER_PREFIX = { perSecond: 2, burst: 20 };

/** Different secrets of one prefix in the line: its holder has one, so the others leave room for other keys. */
const MAX_WAITING_PER_PREFIX = 10;
const MAX_PREFIXES = 10_000;

/** A key that was presented, and by whom. */
export type Presented = {
  readonly token: string;
  /** SHA-256 of the token: the token itself is not kept in memory longer than its use. */
  readonly digest: string;
  readonly prefix: string;
  readonly keyHash: string;
  readonly network: string;
};

/**
 * Compares a token with a bcrypt hash, seldom [A4]: verdicts are remembered, equal tokens share a comparison, few run
 * at once, and networks take turns.
 * The answer throws ScriptoriumError `too_many_requests` when too many wait, or too many of this prefix were wrong.
 */
export function createComparison(): (presented: Presented) => Promise<boolean> {
  const right = createRecent<string>({ max: MAX_VERDICTS });
  const wrong = createRecent<string>({ max: MAX_VERDICTS });
  const underWay = new Map<string, Promise<boolean>>();
  const guesses = createGuesses();
  const turns = createTurns({
    atOnce: MAX_COMPARISONS,
    maxWaiting: MAX_WAITING,
    maxWaitingEach: MAX_WAITING_PER_NETWORK,
    refusal: "Too many keys to check at once",
  });
  const compare = async ({ token, digest, prefix, keyHash, network }: Presented) => {
    const end = guesses.begin(prefix);
    try {
      return await turns.take(async () => {
        const matches = await verify(token, keyHash);
        (matches ? right : wrong).set(digest, keyHash);
        if (!matches) guesses.wasWrong(prefix);
        return matches;
      }, network);
    } finally {
      end();
    }
  };

  return async (presented) => {
    const { digest, keyHash } = presented;
    if (right.get(digest) === keyHash) return true;
    if (wrong.get(digest) === keyHash) return false;
    const id = `${digest} ${keyHash}`;
    const shared = underWay.get(id) ?? compare(presented).finally(() => underWay.delete(id));
    underWay.set(id, shared);
    return shared;
  };
}

/** Counts by prefix what is compared and what was wrong, and refuses more of it for a while. */
function createGuesses(): { begin(prefix: string): () => void; wasWrong(prefix: string): void } {
  const wrongs = createRecent<TokenBucket>({ max: MAX_PREFIXES });
  const atOnce = new Tally(MAX_WAITING_PER_PREFIX);
  return {
    begin(prefix) {
      const retryAfterMs = wrongs.get(prefix)?.owedMs ?? 0;
      const end = retryAfterMs === 0 ? atOnce.take(prefix) : null;
      if (end !== null) return end;
      const message = "Too many secrets were sent for this key; one that was good goes on";
      throw new ScriptoriumError("too_many_requests", message, {
        retryAfterMs: Math.max(1000, retryAfterMs),
      });
    },
    wasWrong(prefix) {
      const bucket = wrongs.get(prefix) ?? new TokenBucket(WRONG_PER_PREFIX);
      bucket.take();
      wrongs.set(prefix, bucket);
    },
  };
}
