import type { Access, Route } from "../../schema/api/contract.ts";
import type { ErrorCode } from "../../schema/errors.ts";
import type { CallerTraits, KeyTraits, PersonTraits } from "./api-callers.ts";

/** Whose place a request names: the tenant that the callers belong to, or one where none of them has a part. */
export type Target = "own" | "foreign";

/** Where a place is: in a project, or in no project but the whole organization. */
export type Level = "organization" | "project";

/** What must be answered: `allowed`, or one of the codes. */
export type Verdict = "allowed" | ErrorCode;

/** DESIGN 6's table, typed off; `schema/roles.ts` is not asked. */
const TABLE = {
  viewer: "read",
  reviewer: "read comment suggest",
  editor: "read comment suggest edit",
  owner: "read comment suggest edit manage",
} as const;

const SCOPES = {
  read: "docs:read",
  comment: "comments:write",
  suggest: "suggestions:write",
  edit: "docs:write",
  manage: "admin",
} as const;

type Role = keyof typeof TABLE;

const HEIGHT: readonly Role[] = ["viewer", "reviewer", "editor", "owner"];
const highest = (roles: readonly Role[]): Role | null =>
  HEIGHT.toReversed().find((role) => roles.includes(role)) ?? null;
const lowest = (one: Role, other: Role): Role =>
  HEIGHT.find((role) => role === one || role === other) ?? one;

/** What a route refuses beside rights, as its description says. Null: nothing. */
const BESIDES: Readonly<Record<string, (caller: SignedIn) => Verdict | null>> = {
  createOrganization: (caller) => (isBound(caller) ? "forbidden" : null),
  signOut: (caller) => (caller.kind === "jwt" ? "bad_request" : null),
  // A token that reaches one organization does not reach his keys in another.
  revokeMyKey: (caller) =>
    caller.kind === "jwt" && caller.claims?.organization === "elsewhere" ? "not_found" : null,
  announcePresence: (caller) =>
    caller.kind === "key" && caller.agent !== null ? null : "forbidden",
  // They are the founder's: only who may manage changes another's.
  updateComment: (caller) => (mayManage(caller) ? null : "forbidden"),
  deleteComment: (caller) => (mayManage(caller) ? null : "forbidden"),
  // What is told of a project is shown to whoever may read it.
  readNotification: (caller) =>
    verdictByRight(caller, READS_PROJECT, "own") === "allowed" ? null : "not_found",
  leaveProject: ({ collaboration }) => (collaboration === null ? "not_found" : null),
  leaveOrganization: ({ membership }) => (membership === null ? "not_found" : null),
};

const mayManage = (caller: SignedIn): boolean =>
  verdictByRight(caller, MANAGES_DOCUMENT, "own") === "allowed";

const isBound = (caller: SignedIn): boolean => caller.kind === "jwt" && caller.claims !== null;

type Called = {
  readonly name: string;
  readonly contract: Pick<Route, "access" | "params">;
  readonly level: Level;
};

/** What DESIGN 6 says about a caller, a route and whose place it names. Written without the server's code. */
export function verdictOf(caller: CallerTraits, called: Called, target: Target): Verdict {
  const verdict = verdictByRight(caller, called, target);
  if (verdict !== "allowed" || !isSignedIn(caller)) return verdict;
  return BESIDES[called.name]?.(caller) ?? verdict;
}

const READS_PROJECT: Called = {
  name: "getProject",
  contract: { access: { who: "right", right: "read", at: "project", in: "projectId" } },
  level: "project",
};
const MANAGES_DOCUMENT: Called = {
  name: "manageDocument",
  contract: { access: { who: "right", right: "manage", at: "document", in: "documentId" } },
  level: "project",
};
const READS_ORGANIZATION: Called = {
  name: "getOrganization",
  contract: { access: { who: "right", right: "read", at: "organization", in: "organizationId" } },
  level: "organization",
};

/** What a caller's lists must show of the tenant: exactly what he may read. Null: he is not signed in. */
export function visibleTo(
  caller: CallerTraits,
): { organization: boolean; project: boolean; otherProject: boolean } | null {
  if (!isSignedIn(caller)) return null;
  const reads = (who: CallerTraits, what: Called): boolean =>
    verdictOf(who, what, "own") === "allowed";
  return {
    organization: reads(caller, READS_ORGANIZATION),
    project: reads(caller, READS_PROJECT),
    otherProject: reads(inOtherProject(caller), READS_PROJECT),
  };
}

/** The same caller, as the tenant's other project sees him. */
function inOtherProject(caller: SignedIn): SignedIn {
  if (caller.kind !== "key") return { ...caller, collaboration: null };
  const swapped = { here: "other", other: "here" } as const;
  const project = caller.project === null ? null : swapped[caller.project];
  return { ...caller, collaboration: null, project };
}

function verdictByRight(
  caller: CallerTraits,
  { contract: { access, params }, level }: Called,
  target: Target,
): Verdict {
  if (access.who === "anyone") return "allowed";
  if (!isSignedIn(caller)) return "unauthenticated";
  // What is named there is the caller's own, as with `person` below.
  if (access.who === "signed-in") {
    return target === "foreign" && params !== undefined ? "not_found" : "allowed";
  }
  if (access.who === "person") {
    if (caller.kind === "key") return "forbidden";
    // What is named there is the caller's own: another's does not exist for him.
    return target === "foreign" && params !== undefined ? "not_found" : "allowed";
  }
  const hidden = access.at === "document" ? "document_not_found" : "not_found";
  const role = target === "foreign" ? null : roleOf(caller, level);
  if (role === null) return hidden;
  if (!mayDo(caller, role, access)) return "forbidden";
  return access.person === true && caller.kind === "key" ? "forbidden" : "allowed";
}

type SignedIn = PersonTraits | KeyTraits;

function isSignedIn(caller: CallerTraits): caller is SignedIn {
  if (caller.kind === "none" || caller.kind === "garbage" || caller.dead !== null) return false;
  return caller.kind !== "key" || (caller.agent !== "inactive" && caller.agent !== "terminated");
}

function roleOf(caller: SignedIn, level: Level): Role | null {
  const own: Role[] = [];
  if (caller.membership === "admin") own.push("owner");
  if (caller.membership === "member") own.push("viewer");
  if (caller.collaboration !== null && level === "project") own.push(caller.collaboration);
  if (caller.kind !== "key") {
    if (caller.claims?.organization === "elsewhere") return null;
    return highest([...own, ...(caller.claims === null ? [] : [caller.claims.role])]);
  }
  if (caller.project === "other") return null;
  if (caller.project === "here" && level === "organization") return null;
  const highestOwn = highest(own);
  if (highestOwn === null) return null;
  const most = caller.agent === "probation" ? lowest(caller.role, "reviewer") : caller.role;
  return lowest(highestOwn, most);
}

function mayDo(
  caller: SignedIn,
  role: Role,
  { right }: Extract<Access, { who: "right" }>,
): boolean {
  if (!TABLE[role].split(" ").includes(right)) return false;
  return caller.kind !== "key" || caller.scopes.includes(SCOPES[right]);
}
