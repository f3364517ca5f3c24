import { createHash } from "node:crypto";

/**
 * The ETag of what a route shows of a row, without quotes. `updatedAt` is left out: the projector moves it, and a
 * title is the same title while people type.
 */
export function etagOf(shown: object): string {
  const text = JSON.stringify({ ...shown, updatedAt: undefined });
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}
