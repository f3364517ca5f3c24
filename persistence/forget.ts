import type { SqlOrTransaction } from "./database.ts";
import { forgetIdempotencyKeys } from "./idempotency.ts";

/**
 * Deletes what nobody will ask for again: answers kept for repeated requests after a day, links and sessions a month
 * after their end. Says how many rows.
 */
export async function forgetWhatIsOver(sql: SqlOrTransaction): Promise<number> {
  const keys = await forgetIdempotencyKeys(sql);
  const links = await sql`delete from sign_in_links where expires_at < now() - interval '30 days'`;
  const sessions = await sql`delete from sessions where expires_at < now() - interval '30 days'`;
  return keys + links.count + sessions.count;
}
