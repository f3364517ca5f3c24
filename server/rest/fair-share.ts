import { ScriptoriumError } from "../../schema/errors.ts";
import type { Principal } from "../../schema/principal.ts";

/** Runs long work, but only so much at once for one principal; more of his waits for its turn. */
export type FairShare = <T>(principal: Principal, work: () => Promise<T>) => Promise<T>;

type Line = { running: number; readonly waiting: (() => void)[] };

/** @throws ScriptoriumError `too_many_requests`, from what it answers, when a principal has `maxWaiting` in the line. */
export function createFairShare(limits: { atOnce: number; maxWaiting: number }): FairShare {
  const lines = new Map<string, Line>();
  const enter = async (line: Line): Promise<void> => {
    if (line.running < limits.atOnce) {
      line.running += 1;
      return;
    }
    if (line.waiting.length >= limits.maxWaiting) {
      throw new ScriptoriumError("too_many_requests", "Too much of yours is waiting already");
    }
    // The place is handed on, not freed: nobody can slip in between.
    await new Promise<void>((resolve) => line.waiting.push(resolve));
  };
  const leave = (who: string, line: Line): void => {
    const next = line.waiting.shift();
    if (next !== undefined) return next();
    line.running -= 1;
    if (line.running === 0) lines.delete(who);
  };
  return async (principal, work) => {
    const who = principal.kind === "key" ? principal.keyId : principal.userId;
    const line = lines.get(who) ?? { running: 0, waiting: [] };
    lines.set(who, line);
    await enter(line);
    try {
      return await work();
    } finally {
      leave(who, line);
    }
  };
}
