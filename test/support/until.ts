import { setTimeout as delay } from "node:timers/promises";

type UntilOptions = {
  /** How long to wait at most. 10 s where not given. */
  timeoutMs?: number;
  /** What was waited for, for the message of the failure. */
  describe?: string;
};

const POLL_MS = 5;

/** Waits until `condition` holds; throws when it does not within the time. A condition that throws ends the wait. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  options: UntilOptions = {},
): Promise<void> {
  const { timeoutMs = 10_000, describe = condition.toString() } = options;
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) {
      throw new Error(`Not within ${timeoutMs} ms: ${describe}`);
    }
    await delay(POLL_MS);
  }
}
