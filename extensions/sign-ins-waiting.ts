import { withTimeout } from "../persistence/with-timeout.ts";
import { ScriptoriumError } from "../schema/errors.ts";

/** More than ever come back at once after a restart; each that waits holds some 10 kB. */
const MOST_WAITING = 10_000;

/** A herd on a slow machine is served long before this, ms. */
const LONGEST_WAIT_MS = 30_000;

/**
 * Bounds what waits for a database that hangs: clients give up and come back, and each time something of them would
 * stay behind. Counted until it is really over, which is later than the caller was told.
 *
 * @throws ScriptoriumError `storage_unavailable` when too many wait, or this one for too long; what `signIn` throws.
 */
export function createSignInsWaiting({ most = MOST_WAITING, longestMs = LONGEST_WAIT_MS } = {}) {
  let waiting = 0;
  return <T>(signIn: () => Promise<T>): Promise<T> => {
    if (waiting >= most) {
      throw new ScriptoriumError("storage_unavailable", "Too many wait for the database");
    }
    waiting += 1;
    const over = signIn().finally(() => {
      waiting -= 1;
    });
    return withTimeout(over, longestMs);
  };
}
