import { standingsOf } from "../persistence/standing.ts";
import type { SqlOrTransaction } from "../persistence/database.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { DocumentAddress } from "../schema/ids.ts";
import type { Principal } from "../schema/principal.ts";
import { questionOf, type Grounds } from "./grounds.ts";
import { asOfNow, placeFor, type Place } from "./rights.ts";

/** Who a socket's principal is at this moment, and what he may do. */
export type StandingNow = { readonly principal: Principal; readonly place: Place };

/**
 * Asks the database what somebody who has a document open may do there now: what he came with is no answer.
 * @throws ScriptoriumError `unauthenticated` when what he signed in with has ended; `document_not_found`.
 */
export async function standingNow(
  sql: SqlOrTransaction,
  grounds: Grounds,
  address: DocumentAddress,
): Promise<StandingNow> {
  const [standing] = await standingsOf(sql, [questionOf(grounds, address)]);
  const principal = standing === undefined ? null : asOfNow(grounds.principal, standing);
  const hasExpired = principal?.kind === "jwt" && principal.expiresAtMs <= Date.now();
  if (principal === null || hasExpired) {
    throw new ScriptoriumError("unauthenticated", "What you signed in with has ended");
  }
  const access = standing?.access ?? null;
  const place = access === null ? null : placeFor(principal, access);
  if (place !== null) return { principal, place };
  throw new ScriptoriumError("document_not_found", "There is no such document");
}
