import { ScriptoriumError } from "../schema/errors.ts";

/**
 * The work, or `storage_unavailable` when it is not done in time; it goes on, and nobody hears of it any more.
 * A plain timer, not an AbortSignal: this runs for every commit and request, and every abort makes an error with a stack.
 */
export function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const expired = (): void =>
      reject(new ScriptoriumError("storage_unavailable", "PostgreSQL did not reply in time"));
    const timer = setTimeout(expired, timeoutMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
