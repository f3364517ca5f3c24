import { createHash } from "node:crypto";
import { verify } from "@node-rs/bcrypt";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Principal } from "../schema/principal.ts";
import {
  accessToDocuments,
  accessToPlace,
  type AccessQuestion,
  findKey,
  findSessions,
  touchKey,
} from "../persistence/access.ts";
import { createLookup } from "../persistence/lookup-batch.ts";
import type { Sql } from "../persistence/database.ts";
import type { PlaceKind } from "../schema/api/contract.ts";
import { isUuid } from "../schema/ids.ts";
import type { Right } from "../schema/roles.ts";
import { placeFor, type Place } from "./rights.ts";

/** Who holds a token, and what he may do where. */
export type SignIn = {
  /** @throws ScriptoriumError `unauthenticated`; PostgreSQL's errors as they are. */
  principal(token: string): Promise<Principal>;
  /** The rights on a document. @throws ScriptoriumError `document_not_found` for a foreign or unknown id [A1]. */
  rightsOn(principal: Principal, documentId: string): Promise<readonly Right[]>;
  /** The same for an id of any kind, a deleted document too. @throws ScriptoriumError `not_found`, `document_not_found` [A1]. */
  place(principal: Principal, kind: PlaceKind, id: string): Promise<Place>;
};

/** A presented key that was compared with its hash; a refusal is remembered too, or a flood of one wrong key is a flood of bcrypt. */
type Verdict = { readonly keyHash: string; readonly matches: boolean; readonly untilMs: number };

/** How long a comparison with bcrypt is remembered, ms. The key's row itself is read every time. */
const VERDICT_MS = 60_000;
const MAX_VERDICTS = 10_000;

/** bcrypt runs in libuv's pool of four; two at once leave room for files and DNS (A4). */
const MAX_COMPARISONS = 2;

/** What waits for a comparison beyond this is turned away: whoever sends so many keys is guessing. */
const MAX_WAITING = 200;

const KEY = /^(?<prefix>[A-Za-z0-9_]{4,32})\.(?<secret>[A-Za-z0-9_-]{20,64})$/u;

/** Longer than any token: refuse before hashing. */
const MAX_TOKEN_LENGTH = 4096;

const unauthenticated = () =>
  new ScriptoriumError("unauthenticated", "The token is not valid, or no longer");

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Signs in by API key (`<prefix>.<secret>`) or session token, and resolves what the principal may do where. */
export function createSignIn({ sql }: { sql: Sql }): SignIn {
  const compare = createComparison();
  const sessionOf = createLookup((hashes: readonly Buffer[]) => findSessions(sql, hashes));
  const accessOf = createLookup((questions: readonly AccessQuestion[]) =>
    accessToDocuments(sql, questions),
  );

  const byKey = async (token: string, prefix: string): Promise<Principal> => {
    const key = await findKey(sql, prefix);
    if (key === null || !(await compare(token, key.keyHash))) throw unauthenticated();
    if (key.agentStatus === "inactive" || key.agentStatus === "terminated") {
      throw unauthenticated();
    }
    await touchKey(sql, key.keyId);
    const { keyId, userId, agentId, organizationId, projectId, scopes, role } = key;
    const mayOnlySuggest = key.agentStatus === "probation";
    const grants = { organizationId, projectId, scopes, role, mayOnlySuggest };
    return { kind: "key", keyId, userId, agentId, ...grants };
  };

  return {
    async principal(token) {
      if (token === "" || token.length > MAX_TOKEN_LENGTH) throw unauthenticated();
      const prefix = KEY.exec(token)?.groups?.["prefix"];
      if (prefix !== undefined) return byKey(token, prefix);
      const session = await sessionOf(sha256(token));
      if (session === null) throw unauthenticated();
      return { kind: "user", ...session };
    },
    async rightsOn(principal, documentId) {
      const access = await accessOf({ documentId, userId: principal.userId });
      const place = access === null ? null : placeFor(principal, access);
      if (place !== null) return place.rights;
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

/** Compares a token with a bcrypt hash, seldom: verdicts are remembered, and few comparisons run at once. */
function createComparison(): (token: string, keyHash: string) => Promise<boolean> {
  const verdicts = new Map<string, Verdict>();
  const waiting: (() => void)[] = [];
  let running = 0;

  const takeSlot = async (): Promise<void> => {
    if (running < MAX_COMPARISONS) {
      running += 1;
      return;
    }
    if (waiting.length >= MAX_WAITING) {
      throw new ScriptoriumError("too_many_requests", "Too many keys to check at once");
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  };

  // A slot is handed on, not freed: nobody can slip in between.
  const giveSlot = (): void => {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  };

  return async (token, keyHash) => {
    // The token itself is not kept in memory longer than its use.
    const id = sha256(token).toString("base64");
    const known = verdicts.get(id);
    if (known !== undefined && known.keyHash === keyHash && known.untilMs > Date.now()) {
      return known.matches;
    }
    await takeSlot();
    try {
      const matches = await verify(token, keyHash);
      if (verdicts.size >= MAX_VERDICTS) verdicts.clear();
      verdicts.set(id, { keyHash, matches, untilMs: Date.now() + VERDICT_MS });
      return matches;
    } finally {
      giveSlot();
    }
  };
}
