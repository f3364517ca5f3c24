import { ScriptoriumError } from "../schema/errors.ts";

/** Work that waits for its turn. */
export type Turns = {
  /**
   * Runs `work` when it is its turn: those who have work in the line (`who`) take turns among themselves.
   * @throws ScriptoriumError `too_many_requests` when too much waits, of him or in all; what `work` throws.
   */
  take<T>(work: () => Promise<T>, who?: string): Promise<T>;
  /** Nothing runs, so nothing waits. */
  readonly isIdle: boolean;
};

type Limits = {
  readonly atOnce: number;
  readonly maxWaiting: number;
  readonly maxWaitingEach?: number;
  readonly refusal: string;
};

/** Lets so much run at once and so much wait; `refusal` is the sentence for what comes beyond that. */
export function createTurns(limits: Limits): Turns {
  const line = createLine(limits);
  let running = 0;
  const begin = async (who: string): Promise<void> => {
    if (running < limits.atOnce) running += 1;
    else await line.wait(who);
  };
  // A turn is handed on, not freed: nobody can slip in between.
  const end = (): void => {
    if (!line.callNext()) running -= 1;
  };
  return {
    async take(work, who = "") {
      await begin(who);
      try {
        return await work();
      } finally {
        end();
      }
    },
    get isIdle() {
      return running === 0;
    },
  };
}

type Line = { wait(who: string): Promise<void>; callNext(): boolean };

/** A line in which everybody is next in turn, however many he has sent. */
function createLine({ maxWaiting, maxWaitingEach = maxWaiting, refusal }: Limits): Line {
  /** By whose it is; whose turn comes next stands first. */
  const waiting = new Map<string, (() => void)[]>();
  let inLine = 0;
  return {
    async wait(who) {
      const own = waiting.get(who) ?? [];
      if (inLine >= maxWaiting || own.length >= maxWaitingEach) {
        throw new ScriptoriumError("too_many_requests", refusal);
      }
      inLine += 1;
      waiting.set(who, own);
      await new Promise<void>((called) => own.push(called));
    },
    callNext() {
      const [next] = waiting;
      if (next === undefined) return false;
      const [who, own] = next;
      waiting.delete(who);
      if (own.length > 1) waiting.set(who, own);
      inLine -= 1;
      own.shift()?.();
      return true;
    },
  };
}
