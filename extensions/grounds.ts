import type { Standing, StandingQuestion } from "../persistence/standing.ts";
import { ScriptoriumError, type ErrorCode } from "../schema/errors.ts";
import type { DocumentAddress } from "../schema/ids.ts";
import type { Principal } from "../schema/principal.ts";
import { admissionTo, asOfNow, holdingOf, placeFor, type Admission, type Place } from "./rights.ts";
import type { SignIn } from "./sign-in.ts";

/** On what grounds a socket has a document open. */
export type Grounds = {
  readonly principal: Principal;
  readonly place: Pick<Place, "organizationId" | "projectId">;
  readonly admission: Admission;
};

/** What has changed. Whoever all these ids apply to is concerned: the fewer are named, the more people. */
export type RightsChange = {
  readonly userId?: string;
  readonly sessionId?: string;
  readonly keyId?: string;
  readonly agentId?: string;
  readonly organizationId?: string;
  readonly projectId?: string;
  readonly documentId?: string;
};

/** `code`: why somebody must go; null: he may stay, on the grounds `now`. */
export type Verdict = {
  readonly before: Grounds;
  readonly now: Grounds;
  readonly code: ErrorCode | null;
};

/** What a token is good for at a part of a document. @throws ScriptoriumError as `SignIn` does, and `forbidden`. */
export async function groundsFor(
  signIn: SignIn,
  { token, network }: { readonly token: string; readonly network: string },
  { documentId, part }: DocumentAddress,
): Promise<Grounds> {
  const principal = await signIn.principal(token, network);
  const { organizationId, projectId, rights } = await signIn.placeOf(principal, documentId);
  const admission = admissionTo(part, rights);
  if (admission !== null) return { principal, place: { organizationId, projectId }, admission };
  throw new ScriptoriumError("forbidden", "This key may not read documents");
}

/** True when the change may have made something else of these grounds. */
export function concerns(
  change: RightsChange,
  { principal, place }: Grounds,
  { documentId }: DocumentAddress,
): boolean {
  // Asked of every open document for every change.
  const is = (wanted: string | undefined, id: string | null): boolean =>
    wanted === undefined || wanted === id;
  return (
    is(change.documentId, documentId) &&
    is(change.projectId, place.projectId) &&
    is(change.organizationId, place.organizationId) &&
    is(change.userId, principal.userId) &&
    is(change.sessionId, principal.kind === "user" ? principal.sessionId : null) &&
    is(change.keyId, principal.kind === "key" ? principal.keyId : null) &&
    is(change.agentId, principal.kind === "key" ? principal.agentId : null)
  );
}

/** What has to be asked about these grounds. */
export const questionOf = (
  { principal }: Grounds,
  { documentId }: DocumentAddress,
): StandingQuestion => ({ documentId, ...holdingOf(principal) });

/** Decides as sign-in would if he came now; who may do less or more than before has to come again. */
export function judge(before: Grounds, { part }: DocumentAddress, standing: Standing): Verdict {
  const turnedAway = (code: ErrorCode): Verdict => ({ before, now: before, code });
  const principal = asOfNow(before.principal, standing);
  if (principal === null) return turnedAway("unauthenticated");
  const place = standing.access === null ? null : placeFor(principal, standing.access);
  if (place === null) return turnedAway("document_not_found");
  const admission = admissionTo(part, place.rights);
  if (admission === null) return turnedAway("forbidden");
  if (admission !== before.admission) return turnedAway("restarting");
  const { organizationId, projectId } = place;
  const isMoved =
    organizationId !== before.place.organizationId || projectId !== before.place.projectId;
  const now = isMoved ? { ...before, place: { organizationId, projectId } } : before;
  return { before, now, code: null };
}
