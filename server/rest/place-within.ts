import { placeFor, type Place } from "../../extensions/rights.ts";
import { accessToPlace } from "../../persistence/access.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import type { PlaceKind } from "../../schema/api/contract.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import type { Principal } from "../../schema/principal.ts";
import type { Right } from "../../schema/roles.ts";

/** Who calls, and the place that the path of his request names. */
type Caller = {
  readonly sql: SqlOrTransaction;
  readonly principal: Principal;
  readonly place: Place;
};

type Named = {
  readonly kind: Exclude<PlaceKind, "document">;
  readonly id: string;
  readonly right: Right;
  /** The organization that it has to lie in; absent: whichever the caller sees. */
  readonly organizationId?: string;
};

/**
 * The place that an id in a body names, where the caller has this right: ids in a body are checked like those in a
 * path [A1], and lie in the same organization.
 * @throws ScriptoriumError `not_found`, also for a place of another organization; `forbidden` without the right.
 */
export const placeWithin = (caller: Caller, named: Omit<Named, "organizationId">): Promise<Place> =>
  placeNamed(caller, { ...named, organizationId: caller.place.organizationId });

/** The same for one that may lie in any organization. */
export async function placeNamed(
  { sql, principal }: Omit<Caller, "place">,
  { kind, id, right, organizationId }: Named,
): Promise<Place> {
  const access = await accessToPlace(sql, { kind, id, userId: principal.userId });
  const found = access === null ? null : placeFor(principal, access);
  if (found === null || found.organizationId !== (organizationId ?? found.organizationId)) {
    throw new ScriptoriumError("not_found", `There is no such ${kind}, or it is not yours to see`);
  }
  if (found.rights.includes(right)) return found;
  throw new ScriptoriumError("forbidden", `This takes the right to ${right} the ${kind}`);
}
