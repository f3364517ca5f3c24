import { findKeys, touchKey } from "../persistence/access.ts";
import type { Sql } from "../persistence/database.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Principal } from "../schema/principal.ts";
import { createLookup } from "../persistence/lookup-batch.ts";
import { createComparison, type Presented } from "./key-comparison.ts";
import { restrictionOf } from "./rights.ts";
import { WrongSecret } from "./sign-in-guard.ts";

const KEY = /^(?<prefix>[A-Za-z0-9_]{4,32})\.(?<secret>[A-Za-z0-9_-]{20,64})$/u;

/** True for what looks like an API key. */
export const isKey = (token: string): boolean => KEY.test(token);

const unauthenticated = () =>
  new ScriptoriumError("unauthenticated", "The token is not valid, or no longer");

/**
 * Signs in by API key, `<prefix>.<secret>` [A4].
 * The answer throws ScriptoriumError `unauthenticated`, and `too_many_requests` when too many keys wait to be checked.
 */
export function createKeySignIn(
  sql: Sql,
): (
  presented: Omit<Presented, "prefix" | "keyHash">,
) => Promise<Extract<Principal, { kind: "key" }>> {
  const compare = createComparison();
  const find = createLookup((prefixes: readonly string[]) => findKeys(sql, prefixes));
  return async ({ token, digest, network }) => {
    const [prefix = ""] = token.split(".", 1);
    const key = await find(prefix);
    // An unknown prefix is answered sooner than a wrong secret, and with the same words. A prefix is no secret, and a
    // comparison for show would let everybody have as many as he likes.
    if (key === null) throw unauthenticated();
    const { keyHash } = key;
    if (!(await compare({ token, digest, prefix, keyHash, network }))) throw new WrongSecret(key);
    const restriction = restrictionOf(key.agentStatus);
    if (restriction === null) throw unauthenticated();
    if (key.isTouchDue) await touchKey(sql, key.keyId);
    const { keyId, userId, agentId, organizationId, projectId, scopes, role } = key;
    const grants = { organizationId, projectId, scopes, role, ...restriction };
    return { kind: "key", keyId, userId, agentId, ...grants };
  };
}
