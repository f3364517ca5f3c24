import { ScriptoriumError } from "../schema/errors.ts";

/** Work that waits for its turn. */
export type Turns = {
  /** Runs `work` when it is its turn. @throws ScriptoriumError `too_many_requests` when too many wait; what `work` throws. */
  take<T>(work: () => Promise<T>): Promise<T>;
  /** Nothing runs, so nothing waits. */
  readonly isIdle: boolean;
};

/** Lets so much run at once and so much wait; `refusal` is the sentence for what comes beyond that. */
export function createTurns(limits: {
  readonly atOnce: number;
  readonly maxWaiting: number;
  readonly refusal: string;
}): Turns {
  const waiting: (() => void)[] = [];
  let running = 0;
  const begin = async (): Promise<void> => {
    if (running < limits.atOnce) {
      running += 1;
      return;
    }
    if (waiting.length >= limits.maxWaiting) {
      throw new ScriptoriumError("too_many_requests", limits.refusal);
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  // A turn is handed on, not freed: nobody can slip in between.
  const end = (): void => {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  };
  return {
    async take(work) {
      await begin();
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
