/** What a project role allows, and what a key's scopes leave of it (DESIGN 6). Pure: who has which role is asked elsewhere. */
export const ROLES = ["viewer", "reviewer", "editor", "owner"] as const;
export type Role = (typeof ROLES)[number];

/** What a key can be allowed to do, whatever its role. */
export const SCOPES = [
  "docs:read",
  "docs:write",
  "comments:write",
  "suggestions:write",
  "admin",
  "mcp:read",
  "mcp:write",
] as const;
export type Scope = (typeof SCOPES)[number];

/** What can be done with a document. */
export const RIGHTS = ["read", "comment", "suggest", "edit", "manage"] as const;
export type Right = (typeof RIGHTS)[number];

const RIGHTS_OF_ROLE: Record<Role, readonly Right[]> = {
  viewer: ["read"],
  reviewer: ["read", "comment", "suggest"],
  editor: ["read", "comment", "suggest", "edit"],
  owner: ["read", "comment", "suggest", "edit", "manage"],
};

const SCOPE_OF_RIGHT: Record<Right, Scope> = {
  read: "docs:read",
  comment: "comments:write",
  suggest: "suggestions:write",
  edit: "docs:write",
  manage: "admin",
};

/** The lower of two roles: a key never does more than its maker may. */
export const lowerRole = (one: Role, other: Role): Role =>
  ROLES.indexOf(one) <= ROLES.indexOf(other) ? one : other;

/** The higher of two roles: membership and collaboration add up. */
export const higherRole = (one: Role, other: Role): Role =>
  lowerRole(one, other) === one ? other : one;

/** The rights of a role; with `scopes`, only those that a key was given. */
export const rightsOf = (role: Role, scopes: readonly string[] | null): readonly Right[] =>
  RIGHTS_OF_ROLE[role].filter((right) => scopes === null || scopes.includes(SCOPE_OF_RIGHT[right]));
