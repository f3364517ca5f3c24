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
import { placeFor, type Place } from "./rights.ts";
import { createJwtSignIn, isJwt, type JwtSettings } from "./sign-in-jwt.ts";
import { createKeySignIn, isKey } from "./sign-in-key.ts";

/** Who holds a token, and what he may do where. */
export type SignIn = {
  /** @throws ScriptoriumError `unauthenticated`, `too_many_requests`, `storage_unavailable`; PostgreSQL's errors as they are. */
  principal(token: string): Promise<Principal>;
  /** Where a document is. @throws ScriptoriumError `document_not_found` for a foreign, unknown or deleted one [A1]. */
  placeOf(principal: Principal, documentId: string): Promise<Place>;
  /** The same for an id of any kind, a deleted document too. @throws ScriptoriumError `not_found`, `document_not_found` [A1]. */
  place(principal: Principal, kind: PlaceKind, id: string): Promise<Place>;
};

/** Longer than any token: refuse before hashing. */
const MAX_TOKEN_LENGTH = 8192;

const unauthenticated = () =>
  new ScriptoriumError("unauthenticated", "The token is not valid, or no longer");

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

/**
 * Signs in by API key (`<prefix>.<secret>`), JWT of the host application or session token, and resolves what the
 * principal may do where. `jwt` null: there is no host application.
 */
export function createSignIn(options: {
  sql: Sql;
  logger: Logger;
  jwt: JwtSettings | null;
}): SignIn {
  const { sql } = options;
  const byKey = createKeySignIn(sql);
  const byJwt = createJwtSignIn({ ...options, settings: options.jwt });
  const sessionOf = createLookup((hashes: readonly Buffer[]) => findSessions(sql, hashes));
  const accessOf = createLookup((questions: readonly AccessQuestion[]) =>
    accessToDocuments(sql, questions),
  );

  return {
    async principal(token) {
      if (token === "" || token.length > MAX_TOKEN_LENGTH) throw unauthenticated();
      if (isKey(token)) return byKey(token);
      if (isJwt(token)) return byJwt(token);
      const session = await sessionOf(sha256(token));
      if (session === null) throw unauthenticated();
      return { kind: "user", ...session };
    },
    async placeOf(principal, documentId) {
      const access = await accessOf({ documentId, userId: principal.userId });
      const place = access === null ? null : placeFor(principal, access);
      if (place !== null) return place;
      throw new ScriptoriumError("document_not_found", `No document ${documentId}`);
    },
    async place(principal, kind, id) {
      const access = isUuid(id)
        ? await accessToPlace(sql, { kind, id, userId: principal.userId })
        : null;
      const place = access === null ? null : placeFor(principal, access);
      if (place !== null) return place;
      const code = kind === "document" ? "document_not_found" : "not_found";
      // The id itself is not repeated: it may be hostile.
      throw new ScriptoriumError(code, `There is no such ${kind}, or it is not yours to see`);
    },
  };
}
