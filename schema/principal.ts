import type { Role } from "./roles.ts";

/** Who is at the other end: a person, through a session or his application's token, or whoever holds an API key. */
export type Principal =
  | { readonly kind: "user"; readonly userId: string; readonly sessionId: string }
  | {
      /** A JWT of the host application, which vouches for the person and may give him a role. */
      readonly kind: "jwt";
      readonly userId: string;
      /** Null: wherever the person belongs. Else the one organization that the token reaches. */
      readonly organizationId: string | null;
      /** The role that the token gives in all projects of that organization, beside what the person has anyway. */
      readonly role: Role | null;
      readonly expiresAtMs: number;
    }
  | {
      readonly kind: "key";
      readonly keyId: string;
      /** Who made the key: the person an agent acts for. */
      readonly userId: string;
      readonly agentId: string | null;
      readonly organizationId: string;
      /** Null: every project of the organization. */
      readonly projectId: string | null;
      readonly scopes: readonly string[];
      /** The most this key may do. */
      readonly role: Role;
      /** On probation an agent may only suggest (DESIGN 6). */
      readonly mayOnlySuggest: boolean;
    };

/** Who shares a limit: one person, however often he signs in, or one key. */
export const principalKey = (principal: Principal): string =>
  principal.kind === "key" ? `key:${principal.keyId}` : `user:${principal.userId}`;
