import { setTimeout as delay } from "node:timers/promises";
import { ScriptoriumError } from "../../schema/errors.ts";

/**
 * What `work` answers, if it does so in time. The work itself goes on: what it commits is committed.
 * @throws ScriptoriumError `storage_unavailable` after `timeoutMs`: a database that hangs is a database that is away.
 */
export async function inTime<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const timeout = delay(timeoutMs, null, { signal: over.signal, ref: false }).then(() => {
    throw new ScriptoriumError("storage_unavailable", "The database did not answer in time");
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    // Nobody listens to it any more, but it must not count as unhandled.
    timeout.catch(() => {});
    over.abort();
  }
}
