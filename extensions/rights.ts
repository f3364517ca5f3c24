import type { PlaceAccess } from "../persistence/access.ts";
import type { Reach } from "../persistence/reach.ts";
import type { Standing, StandingQuestion } from "../persistence/standing.ts";
import type { AgentStatus } from "../schema/closed-sets.ts";
import type { Part } from "../schema/ids.ts";
import type { Principal } from "../schema/principal.ts";
import { higherRole, lowerRole, rightsOf, type Right, type Role } from "../schema/roles.ts";

/** Where something belongs, and what the principal may do there. `role`: the one that his rights come from. */
export type Place = {
  readonly organizationId: string;
  readonly projectId: string | null;
  readonly role: Role;
  readonly rights: readonly Right[];
};

/** What a principal may do where `access` says what the person behind it is; null where it does not exist for him [A1]. */
export function placeFor(principal: Principal, access: PlaceAccess): Place | null {
  const role = roleIn(access, principal);
  if (role === null) return null;
  const { organizationId, projectId } = access;
  const rights = rightsOf(role, principal.kind === "key" ? principal.scopes : null);
  return { organizationId, projectId, role, rights };
}

function roleIn(access: PlaceAccess, principal: Principal): Role | null {
  if (principal.kind === "user") return access.role;
  const { organizationId } = principal;
  if (organizationId !== null && organizationId !== access.organizationId) return null;
  if (principal.kind === "jwt") {
    // A role without an organization would be a role in every tenant.
    const role = organizationId === null ? null : principal.role;
    if (role === null || access.role === null) return role ?? access.role;
    return higherRole(role, access.role);
  }
  if (principal.projectId !== null && principal.projectId !== access.projectId) return null;
  if (access.role === null) return null;
  return lowerRole(access.role, principal.mayOnlySuggest ? "reviewer" : principal.role);
}

/** What a socket may do with a part of a document. */
export type Admission = "read" | "edit";

/** Null for whoever may not even read. */
export function admissionTo(part: Part, rights: readonly Right[]): Admission | null {
  if (!rights.includes("read")) return null;
  // A discussion is written by commands alone (DESIGN 7): its sockets read.
  return part === "content" && rights.includes("edit") ? "edit" : "read";
}

/** What the state of an agent does to its keys: null, they are worth nothing. On probation it may only suggest (DESIGN 6). */
export function restrictionOf(status: AgentStatus | null): { mayOnlySuggest: boolean } | null {
  if (status === "inactive" || status === "terminated") return null;
  return { mayOnlySuggest: status === "probation" };
}

/** Who somebody is and what he signed in with, as the database is asked about it. */
export const holdingOf = (principal: Principal): Omit<StandingQuestion, "documentId"> => ({
  userId: principal.userId,
  sessionId: principal.kind === "user" ? principal.sessionId : null,
  keyId: principal.kind === "key" ? principal.keyId : null,
});

/** The principal as he stands now; null when his session or key has ended, or he himself is gone. */
export function asOfNow(
  principal: Principal,
  { isSignedIn, grants }: Pick<Standing, "isSignedIn" | "grants">,
): Principal | null {
  if (!isSignedIn) return null;
  if (principal.kind !== "key") return principal;
  const restriction = grants === null ? null : restrictionOf(grants.agentStatus);
  if (grants === null || restriction === null) return null;
  return { ...principal, role: grants.role, scopes: grants.scopes, ...restriction };
}

/** What lists may show this principal at all. A key that may not read sees nothing. */
export function reachOf(principal: Principal): Reach {
  const { userId, kind } = principal;
  if (kind === "user") {
    return { userId, onlyOrganizationId: null, onlyProjectId: null, isGranted: false };
  }
  if (kind === "jwt") {
    const { organizationId, role } = principal;
    return {
      userId,
      onlyOrganizationId: organizationId,
      onlyProjectId: null,
      isGranted: organizationId !== null && role !== null,
    };
  }
  const { organizationId, projectId } = principal;
  return { userId, onlyOrganizationId: organizationId, onlyProjectId: projectId, isGranted: false };
}
