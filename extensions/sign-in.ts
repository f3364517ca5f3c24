import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Principal } from "../schema/principal.ts";
import {
  accessToDocuments,
  accessToPlace,
  type AccessQuestion,
  findSessions,
} from "../persistence/access.ts";
import { createLookup } from "../persistence/lookup-batch.ts";
import type { Sql } from "../persistence/database.ts";
import type { PlaceKind } from "../schema/api/contract.ts";
import { isUuid } from "../schema/ids.ts";
import { standingAt } from "../persistence/standing.ts";
import { createRecent } from "./recent.ts";
import { asOfNow, holdingOf, placeFor, type Place } from "./rights.ts";
import { createJwtSignIn, isJwt, type JwtSettings } from "./sign-in-jwt.ts";
import type { SignInGuard } from "./sign-in-guard.ts";
import { createKeySignIn, isKey } from "./sign-in-key.ts";

/** Who holds a token, and what he may do where. */
export type SignIn = {
  /** `network`: where it comes from, for limits. @throws ScriptoriumError `unauthenticated`, `too_many_requests`, `storage_unavailable`; PostgreSQL's errors as they are. */
  principal(token: string, network: string): Promise<Principal>;
  /** Whom a sign-in link signs in, with what uses it up; null: it is worth nothing. @throws ScriptoriumError `unauthenticated`, `too_many_requests`. */
  byLink(link: string, network: string, spend: () => Promise<string | null>): Promise<string>;
  /** Where a document is. @throws ScriptoriumError `document_not_found` for a foreign, unknown or deleted one [A1]. */
  placeOf(principal: Principal, documentId: string): Promise<Place>;
  /** Who holds the token, and the place he asks for; both as they are now, with one statement for whoever was here lately. @throws what `principal` and `place` throw. */
  principalAt(token: string, network: string, kind: PlaceKind, id: string): Promise<Located>;
  /** The same for an id of any kind, a deleted document too. @throws ScriptoriumError `not_found`, `document_not_found` [A1]. */
  place(principal: Principal, kind: PlaceKind, id: string): Promise<Place>;
};

/** A principal, and what he may do where he asks. */
type Located = { readonly principal: Principal; readonly place: Place };

/** Whose token it is does not change, so it need not be looked up for a while; whether it still counts is asked each time. */
const KNOWN = { max: 10_000, forMs: 60_000 };

/** Longer than any token: refuse before hashing. */
const MAX_TOKEN_LENGTH = 8192;

const unauthenticated = () =>
  new ScriptoriumError("unauthenticated", "The token is not valid, or no longer");

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

function kindOf(token: string): "key" | "jwt" | "session" {
  if (isKey(token)) return "key";
  return isJwt(token) ? "jwt" : "session";
}

type Options = {
  readonly sql: Sql;
  readonly logger: Logger;
  readonly jwt: JwtSettings | null;
  readonly guard: SignInGuard;
};

/**
 * Signs in by API key (`<prefix>.<secret>`), JWT of the host application or session token, and resolves what the
 * principal may do where. `jwt` null: there is no host application.
 */
export function createSignIn(options: Options): SignIn {
  const { sql } = options;
  const accessOf = createLookup((questions: readonly AccessQuestion[]) =>
    accessToDocuments(sql, questions),
  );
  const doors = createDoors(options);
  const known = createRecent<Principal>(KNOWN);
  const placeOfAny: SignIn["place"] = async (principal, kind, id) => {
    const access = isUuid(id)
      ? await accessToPlace(sql, { kind, id, userId: principal.userId })
      : null;
    return existing(access && placeFor(principal, access), kind);
  };
  return {
    ...doors,
    async principalAt(token, network, kind, id) {
      const digest = sha256(token).toString("base64");
      const holder = known.get(digest);
      if (holder !== undefined && isUuid(id)) {
        const { access, ...standing } = await standingAt(sql, { ...holdingOf(holder), kind, id });
        const principal = asOfNow({ ...holder, ...standing.holder }, standing);
        if (principal !== null) {
          return { principal, place: existing(access && placeFor(principal, access), kind) };
        }
        known.delete(digest);
      }
      const principal = await doors.principal(token, network);
      // A JWT is checked without PostgreSQL, and holds for as long as it says itself.
      if (principal.kind !== "jwt") known.set(digest, principal);
      return { principal, place: await placeOfAny(principal, kind, id) };
    },
    async placeOf(principal, documentId) {
      const access = await accessOf({ documentId, userId: principal.userId });
      const place = access === null ? null : placeFor(principal, access);
      if (place !== null) return place;
      throw new ScriptoriumError("document_not_found", `No document ${documentId}`);
    },
    place: placeOfAny,
  };
}

function existing(place: Place | null, kind: PlaceKind): Place {
  if (place !== null) return place;
  const code = kind === "document" ? "document_not_found" : "not_found";
  // The id itself is not repeated: it may be hostile.
  throw new ScriptoriumError(code, `There is no such ${kind}, or it is not yours to see`);
}

function createDoors({ guard, ...options }: Options): Pick<SignIn, "principal" | "byLink"> {
  const byKey = createKeySignIn(options.sql);
  const byJwt = createJwtSignIn({ ...options, settings: options.jwt });
  const sessionOf = createLookup((hashes: readonly Buffer[]) => findSessions(options.sql, hashes));
  return {
    async principal(token, network) {
      const isHopeless = token === "" || token.length > MAX_TOKEN_LENGTH;
      const hash = sha256(isHopeless ? "" : token);
      const digest = hash.toString("base64");
      const kind = kindOf(token);
      return guard.attempt({ kind, digest, network }, async () => {
        if (isHopeless) throw unauthenticated();
        if (kind === "key") return byKey({ token, digest, network });
        if (kind === "jwt") return byJwt(token);
        const session = await sessionOf(hash);
        if (session === null) throw unauthenticated();
        return { kind: "user", ...session };
      });
    },
    byLink(link, network, spend) {
      const digest = sha256(link).toString("base64");
      return guard.attempt({ kind: "link", digest, network }, async () => {
        const userId = await spend();
        if (userId !== null) return userId;
        throw new ScriptoriumError(
          "unauthenticated",
          "The link was used, has expired or never was; ask for another",
        );
      });
    },
  };
}
