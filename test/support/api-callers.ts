import type { AgentStatus, OrganizationRole } from "../../schema/closed-sets.ts";
import type { Role, Scope } from "../../schema/roles.ts";

/** A person: what he is in the tenant that is called. `home` elsewhere: an admin of another tenant, nothing in this. */
export type PersonTraits = {
  readonly kind: "session" | "jwt";
  readonly home: "here" | "elsewhere";
  readonly membership: OrganizationRole | null;
  readonly collaboration: Role | null;
  /** His token is no longer good. */
  readonly dead: "expired" | "revoked" | null;
  /** A JWT's claims: the organization that it is bound to, and the role it gives there. */
  readonly claims: { readonly organization: "here" | "elsewhere"; readonly role: Role } | null;
};

/** A key, and the person who made it. */
export type KeyTraits = {
  readonly kind: "key";
  readonly membership: OrganizationRole | null;
  readonly collaboration: Role | null;
  readonly scopes: readonly Scope[];
  readonly role: Role;
  /** The project it is bound to; null: none. */
  readonly project: "here" | "other" | null;
  readonly agent: AgentStatus | null;
  readonly dead: "expired" | "revoked" | null;
};

/** Somebody who calls: all that decides what he may do, in words of the test's own. */
export type CallerTraits =
  | { readonly kind: "none" }
  | { readonly kind: "garbage"; readonly token: string }
  | PersonTraits
  | KeyTraits;

const EVERYTHING: readonly Scope[] = [
  "docs:read",
  "docs:write",
  "comments:write",
  "suggestions:write",
  "admin",
];

const person = (traits: Partial<PersonTraits>): PersonTraits => ({
  kind: "session",
  home: "here",
  membership: null,
  collaboration: null,
  dead: null,
  claims: null,
  ...traits,
});

/** A key that may do everything, made by an admin. */
const key = (traits: Partial<KeyTraits>): KeyTraits => ({
  kind: "key",
  membership: "admin",
  collaboration: null,
  scopes: EVERYTHING,
  role: "owner",
  project: null,
  agent: null,
  dead: null,
  ...traits,
});

/** The columns of the matrix. */
export const CALLERS = {
  nobody: { kind: "none" },
  garbage: { kind: "garbage", token: "n0t-a-token" },
  "wrong key": { kind: "garbage", token: `sk0123456789.${"A".repeat(43)}` },
  "expired session": person({ membership: "admin", dead: "expired" }),
  "ended session": person({ membership: "admin", dead: "revoked" }),
  outsider: person({ home: "elsewhere" }),
  "removed owner": person({}),
  member: person({ membership: "member" }),
  "member, editor": person({ membership: "member", collaboration: "editor" }),
  viewer: person({ collaboration: "viewer" }),
  reviewer: person({ collaboration: "reviewer" }),
  editor: person({ collaboration: "editor" }),
  owner: person({ collaboration: "owner" }),
  admin: person({ membership: "admin" }),
  "key read": key({ scopes: ["docs:read"] }),
  "key write": key({ scopes: ["docs:read", "docs:write"] }),
  "key blind": key({ scopes: ["docs:write", "comments:write", "suggestions:write"] }),
  "key admin": key({}),
  "key as viewer": key({ role: "viewer" }),
  "key of a viewer": key({ membership: null, collaboration: "viewer" }),
  "key of project": key({ project: "here" }),
  "key of other project": key({ project: "other" }),
  "expired key": key({ dead: "expired" }),
  "revoked key": key({ dead: "revoked" }),
  agent: key({ agent: "active" }),
  "agent on probation": key({ agent: "probation" }),
  "inactive agent": key({ agent: "inactive" }),
  "terminated agent": key({ agent: "terminated" }),
  "jwt member": person({ kind: "jwt", membership: "member" }),
  "jwt editor here": person({
    kind: "jwt",
    claims: { organization: "here", role: "editor" },
  }),
  "jwt owner elsewhere": person({
    kind: "jwt",
    membership: "member",
    claims: { organization: "elsewhere", role: "owner" },
  }),
} as const satisfies Record<string, CallerTraits>;

export type CallerName = keyof typeof CALLERS;

/** Every caller there is, in the order of the matrix. */
export const CALLER_NAMES = Object.keys(CALLERS) as CallerName[];

/** The traits of a caller, as the union that they are. */
export const traitsOf = (name: CallerName): CallerTraits => CALLERS[name];
