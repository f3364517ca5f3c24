import { errors, jwtVerify, type JWTVerifyGetKey } from "jose";
import type { Logger } from "pino";
import type { Sql } from "../persistence/database.ts";
import { createLookup } from "../persistence/lookup-batch.ts";
import {
  addVouchedUser,
  findVouched,
  noteSignIns,
  type FoundVouched,
  type Vouched,
} from "../persistence/vouched-users.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { JwtClaims } from "../schema/jwt-claims.ts";
import type { Principal } from "../schema/principal.ts";
import { createRecent } from "./recent.ts";
import { createKeySet } from "./key-set.ts";

/** How tokens of the host application are checked. */
export type JwtSettings = {
  readonly keys:
    | { readonly kind: "secret"; readonly secret: Uint8Array }
    | { readonly kind: "key-set"; readonly url: URL; readonly cooldownMs?: number };
  readonly issuer: string;
  readonly audience: string;
  /** An address nobody has here becomes a user. */
  readonly createsUsers: boolean;
};

type JwtPrincipal = Extract<Principal, { kind: "jwt" }>;

/** Whoever comes by JWT stands in the audit log once in this time, and again after a start of the server, ms. */
const DAY_MS = 86_400_000;
const MAX_KNOWN = 100_000;

/** Clocks differ by this much at most, seconds. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** What a key may sign with. A public key is no secret: HS256 with a key set would let everybody sign (RFC 8725, 2.1). */
const ALGORITHMS = { secret: ["HS256"], "key-set": ["RS256", "ES256", "EdDSA"] };

/** Three parts of base64url with dots between; the last is empty in a token that nobody signed. */
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/u;

/** True for what looks like a JWT. API keys have one dot, session tokens none. */
export const isJwt = (token: string): boolean => JWT.test(token);

/**
 * Signs in by JWT of the host application; what the claims mean stands in `schema/jwt-claims.ts`.
 * The answer throws ScriptoriumError `unauthenticated`, and `storage_unavailable` while the application's keys cannot
 * be had. Why a token is refused goes to the log, the token never does.
 */
export function createJwtSignIn(options: {
  sql: Sql;
  logger: Logger;
  settings: JwtSettings | null;
}): (token: string) => Promise<JwtPrincipal> {
  const { sql, logger, settings } = options;
  const noteDaily = createDailyNote(sql);
  const find = createLookup((vouched: readonly Vouched[]) => findVouched(sql, vouched));
  const verify = settings === null ? null : createVerifier(settings, logger);
  const refused = (reason: string): ScriptoriumError => {
    logger.info({ reason }, "JWT refused");
    return new ScriptoriumError("unauthenticated", "The token is not valid, or no longer");
  };
  const userOf = async (claims: JwtClaims, found: FoundVouched): Promise<string | null> => {
    if (found.userId !== null || settings?.createsUsers !== true) return found.userId;
    const { email, name = email.split("@")[0] ?? email } = claims;
    await addVouchedUser(sql, { email, name });
    return (await find({ email, organization: null })).userId;
  };

  return async (token) => {
    if (verify === null) throw refused("neither JWT_SECRET nor JWKS_URL is set");
    const claims = await verify(token).catch((error: unknown) => {
      const reason = reasonOf(error);
      throw reason === null ? error : refused(reason);
    });
    const { email, organization = null, role = null, exp } = claims;
    const found = await find({ email, organization });
    const { organizationId } = found;
    if (organization !== null && organizationId === null) {
      throw refused("there is no organization of that slug");
    }
    const userId = await userOf(claims, found);
    if (userId === null) throw refused("no user has that address, and JWT_CREATE_USERS is false");
    await noteDaily(userId);
    return { kind: "jwt", userId, organizationId, role, expiresAtMs: exp * 1000 };
  };
}

/** Tells of somebody once a day: there is no session to tell of, and a row for every request would bury what matters. */
function createDailyNote(sql: Sql): (userId: string) => Promise<void> {
  const note = createLookup((userIds: readonly string[]) => noteSignIns(sql, userIds));
  const known = createRecent<true>({ max: MAX_KNOWN, forMs: DAY_MS });
  return async (userId) => {
    if (known.get(userId) !== undefined) return;
    known.set(userId, true);
    try {
      await note(userId);
    } catch (error) {
      known.delete(userId);
      throw error;
    }
  };
}

/** Claims that do not say what they must; the message names them, not their values. */
class FaultyClaims extends Error {}

function createVerifier(
  { keys, issuer, audience }: JwtSettings,
  logger: Logger,
): (token: string) => Promise<JwtClaims> {
  const key: Uint8Array | JWTVerifyGetKey =
    keys.kind === "secret" ? keys.secret : createKeySet(keys.url, { ...keys, logger });
  const rules = {
    algorithms: ALGORITHMS[keys.kind],
    issuer,
    audience,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
  };
  return async (token) => {
    const { payload } = await jwtVerify(token, key, rules);
    const result = JwtClaims.safeParse(payload);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw new FaultyClaims(`the claim ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  };
}

const REASONS: Readonly<Record<string, string>> = {
  [errors.JWTExpired.code]: "it has expired",
  [errors.JOSEAlgNotAllowed.code]:
    "its algorithm is not allowed: HS256 with JWT_SECRET; RS256, ES256 or EdDSA with JWKS_URL",
  [errors.JWSSignatureVerificationFailed.code]: "the signature is not of the key",
  [errors.JWKSNoMatchingKey.code]: "JWKS_URL has no such key",
  [errors.JWKSMultipleMatchingKeys.code]: "JWKS_URL has several such keys: the token needs a kid",
};

/** Why the token is refused; null when it is not the token's fault. Never text of the token's own. */
function reasonOf(error: unknown): string | null {
  if (error instanceof FaultyClaims) return error.message;
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `the claim ${error.claim} is missing, or not what it must be`;
  }
  // What jose says of a key that is too short, or is not for this algorithm.
  if (error instanceof TypeError) return "the key that it names cannot be used";
  if (!(error instanceof errors.JOSEError)) return null;
  return REASONS[error.code] ?? "it is not well formed";
}
