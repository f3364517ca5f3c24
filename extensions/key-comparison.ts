import { createHash } from "node:crypto";
import { verify } from "@node-rs/bcrypt";
import { createTurns } from "./turns.ts";

/** A presented key that was compared with its hash; a refusal is remembered too, or a flood of one wrong key is a flood of bcrypt. */
type Verdict = { readonly keyHash: string; readonly matches: boolean; readonly untilMs: number };

/** How long a comparison with bcrypt is remembered, ms. The key's row itself is read every time. */
const VERDICT_MS = 60_000;
const MAX_VERDICTS = 10_000;

/** bcrypt runs in libuv's pool of four; two at once leave room for files and DNS (A4). */
const MAX_COMPARISONS = 2;

/** What waits for a comparison beyond this is turned away: whoever sends so many keys is guessing. */
const MAX_WAITING = 200;

/**
 * Compares a token with a bcrypt hash, seldom: verdicts are remembered, and few comparisons run at once [A4].
 * The answer throws ScriptoriumError `too_many_requests` when too many wait already.
 */
export function createComparison(): (token: string, keyHash: string) => Promise<boolean> {
  const verdicts = new Map<string, Verdict>();
  const turns = createTurns({
    atOnce: MAX_COMPARISONS,
    maxWaiting: MAX_WAITING,
    refusal: "Too many keys to check at once",
  });

  return async (token, keyHash) => {
    // The token itself is not kept in memory longer than its use.
    const id = createHash("sha256").update(token).digest("base64");
    const known = verdicts.get(id);
    if (known !== undefined && known.keyHash === keyHash && known.untilMs > Date.now()) {
      return known.matches;
    }
    return turns.take(async () => {
      const matches = await verify(token, keyHash);
      if (verdicts.size >= MAX_VERDICTS) verdicts.clear();
      verdicts.set(id, { keyHash, matches, untilMs: Date.now() + VERDICT_MS });
      return matches;
    });
  };
}
