import type { Role } from "./roles.ts";

/** Who is at the other end: a signed-in person, or whoever holds an API key (a person's program, or an agent). */
export type Principal =
  | { readonly kind: "user"; readonly userId: string }
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
