import { createTurns, type Turns } from "../../extensions/turns.ts";
import { principalKey, type Principal } from "../../schema/principal.ts";

/** Runs long work, but only so much at once for one principal; more of his waits for its turn. */
export type FairShare = <T>(principal: Principal, work: () => Promise<T>) => Promise<T>;

/** What one principal may have in the works and in the line: there is one thread for all. */
const PREPARED = { atOnce: 2, maxWaiting: 50 };

/** @throws ScriptoriumError `too_many_requests`, from what it answers, when a principal has `maxWaiting` in the line. */
export function createFairShare(limits = PREPARED): FairShare {
  const refusal = "Too much of yours is waiting already";
  const turnsOf = new Map<string, Turns>();
  return async (principal, work) => {
    const who = principalKey(principal);
    const turns = turnsOf.get(who) ?? createTurns({ ...limits, refusal });
    turnsOf.set(who, turns);
    try {
      return await turns.take(work);
    } finally {
      if (turns.isIdle) turnsOf.delete(who);
    }
  };
}
