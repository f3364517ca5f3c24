import { createHash, randomBytes, randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import {
  createKey,
  createSession,
  createUser,
  setCollaborator,
  setMember,
} from "../../persistence/accounts.ts";
import { SCRIPT } from "../../persistence/activities.ts";
import type { Sql, SqlOrTransaction } from "../../persistence/database.ts";
import {
  CALLER_NAMES,
  traitsOf,
  type CallerName,
  type KeyTraits,
  type PersonTraits,
} from "./api-callers.ts";
import { createTenancy, insertAgent, insertKey, type Tenancy } from "./api-tenancy.ts";

/** Somebody who calls, alive. */
export type Caller = {
  readonly name: CallerName;
  readonly token: string | null;
  readonly userId: string;
  /** A second session of the same person, to be listed and ended. */
  readonly sessionId: string;
  /** A key that he made, to be listed and revoked. */
  readonly ownKeyId: string;
  /** What his inbox holds, or that of the agent whose key he has. It tells of the tenant's document. */
  readonly notificationId: string;
  /** What follows the `#` in a one-time sign-in link of his. */
  readonly link: string;
};

/** Fresh rows to call upon: a tenant with every caller in it, and one where none of them has a part. */
export type World = {
  readonly own: Tenancy;
  readonly foreign: Tenancy;
  readonly callers: readonly Caller[];
  /** @throws Error when the world was made without this one. */
  caller(name: CallerName): Caller;
};

/** Makes a fresh world, with all callers or only these. */
export type NewWorld = (names?: readonly CallerName[]) => Promise<World>;

const ISSUER = "https://host.example.com";
const AUDIENCE = "scriptorium";
const SECRET = "a secret of the host application, of 32 bytes and more";

/** What a server must be configured with so that the callers with a JWT can sign in. */
export const JWT_ENVIRONMENT = {
  JWT_SECRET: SECRET,
  NEW_ORGANIZATIONS: "true",
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: AUDIENCE,
  // At the nightly size one address asks as fast as it can, and each answer is compared.
  REQUESTS_PER_SECOND_PER_ADDRESS: "100000",
  REQUESTS_PER_SECOND_PER_PRINCIPAL: "100000",
  // Callers whose token is worth nothing are a third of them.
  SIGN_IN_FAILURES_PER_MINUTE: "1000000",
} as const;

const DAY_MS = 86_400_000;
const SECOND_MS = 1000;

type Card = { readonly keyId: string; readonly token: string };
type Background = {
  readonly foreign: Tenancy;
  readonly elsewhere: Tenancy;
  readonly cards: ReadonlyMap<CallerName, Card | undefined>;
  readonly wanted: readonly CallerName[];
};

/**
 * Makes worlds, each in one transaction. Hashing a key takes 50 ms: each caller's key is made once and moves from world to
 * world, so only the callers of the newest one can sign in by key. The foreign tenant is always the same one.
 */
export async function createWorlds(sql: Sql): Promise<NewWorld> {
  const [foreign, elsewhere] = await Promise.all([createTenancy(sql), createTenancy(sql)]);
  const { organizationId, founderId } = elsewhere;
  const names = CALLER_NAMES.filter((name) => traitsOf(name).kind === "key");
  const made = await Promise.all(
    names.map((name) =>
      createKey(
        sql,
        {
          organizationId,
          projectId: null,
          userId: founderId,
          agentId: null,
          name,
          scopes: [],
          role: "viewer",
          expiresAt: null,
        },
        SCRIPT,
      ),
    ),
  );
  const cards = new Map(names.map((name, index) => [name, made[index]]));
  return (wanted = CALLER_NAMES) =>
    sql.begin((tx) => createWorld(tx, { foreign, elsewhere, cards, wanted }));
}

async function createWorld(
  tx: SqlOrTransaction,
  { foreign, elsewhere, cards, wanted }: Background,
): Promise<World> {
  const own = await createTenancy(tx);
  const callers = await Promise.all(
    [...new Set(wanted)].map((name) =>
      createCaller(tx, name, { own, elsewhere, card: cards.get(name) }),
    ),
  );
  const caller = (name: CallerName): Caller => {
    const found = callers.find((each) => each.name === name);
    if (found === undefined) throw new Error(`this world was made without "${name}"`);
    return found;
  };
  return { own, foreign, callers, caller };
}

type Setting = {
  readonly own: Tenancy;
  readonly elsewhere: Tenancy;
  readonly card: Card | undefined;
};

async function createCaller(
  tx: SqlOrTransaction,
  name: CallerName,
  setting: Setting,
): Promise<Caller> {
  const caller = await signUp(tx, name, setting);
  const keyId = traitsOf(name).kind === "key" ? setting.card?.keyId : undefined;
  const notificationId = await insertNotification(tx, setting.own, {
    userId: caller.userId,
    keyId: keyId ?? null,
  });
  return { ...caller, notificationId };
}

async function signUp(
  tx: SqlOrTransaction,
  name: CallerName,
  setting: Setting,
): Promise<Omit<Caller, "notificationId">> {
  const traits = traitsOf(name);
  const { own, elsewhere, card } = setting;
  const email = `caller-${randomUUID()}@example.com`;
  const userId = await createUser(tx, { email, name });
  const [{ sessionId }, link, ownKeyId] = await Promise.all([
    createSession(tx, { userId, expiresAt: inDays(1) }, SCRIPT),
    insertLink(tx, userId),
    insertKey(tx, { organizationId: own.organizationId, founderId: userId }, null),
  ]);
  const caller = { name, userId, sessionId, ownKeyId, link };
  if (traits.kind === "none") return { ...caller, token: null };
  if (traits.kind === "garbage") return { ...caller, token: traits.token };
  const { membership, collaboration } = traits;
  const { organizationId, projectId } = own;
  if (membership !== null) {
    await setMember(tx, { organizationId, userId, role: membership }, SCRIPT);
  }
  if (collaboration !== null) {
    await setCollaborator(tx, { projectId, userId, role: collaboration }, SCRIPT);
  }
  if (traits.kind === "key") {
    if (card === undefined) throw new Error(`no key was made for ${name}`);
    await moveKey(tx, traits, { ...setting, keyId: card.keyId, userId });
    return { ...caller, token: card.token };
  }
  if (name === "removed owner") await removedOwner(tx, { projectId, userId });
  if (traits.home === "elsewhere") {
    const home = { organizationId: elsewhere.organizationId, userId, role: "admin" as const };
    await setMember(tx, home, SCRIPT);
  }
  if (traits.kind === "jwt") {
    return { ...caller, token: await signToken(traits, { email, own, elsewhere }) };
  }
  return { ...caller, token: await sessionToken(tx, traits, userId) };
}

/** In the inbox of the key's agent, where it has one. */
async function insertNotification(
  tx: SqlOrTransaction,
  { projectId, documentId }: Tenancy,
  { userId, keyId }: { userId: string; keyId: string | null },
): Promise<string> {
  const [row] = await tx<{ id: string }[]>`
    with of as (select (select agent_id from api_keys where id = ${keyId}::uuid) as agent_id),
    inbox as (
      insert into inboxes (user_id, agent_id, head_position)
      select case when agent_id is null then ${userId}::uuid end, agent_id, 2 from of returning id, user_id)
    insert into notifications (inbox_id, position, user_id, project_id, type, title, metadata, once_key)
    select id, position, user_id, ${projectId}, 'mention', 'A test',
           jsonb_build_object('documentId', ${documentId}::text), position::text
    from inbox, generate_series(1, 2) as position returning id`;
  return row?.id ?? "";
}

/** He was an owner; the row stays and grants nothing. */
async function removedOwner(
  tx: SqlOrTransaction,
  { projectId, userId }: { projectId: string; userId: string },
): Promise<void> {
  await setCollaborator(tx, { projectId, userId, role: "owner" }, SCRIPT);
  await tx`
    update collaborators set removed_at = now() where project_id = ${projectId} and user_id = ${userId}`;
}

async function sessionToken(
  tx: SqlOrTransaction,
  { dead }: PersonTraits,
  userId: string,
): Promise<string> {
  const expiresAt = dead === "expired" ? new Date(Date.now() - SECOND_MS) : inDays(1);
  const { sessionId, token } = await createSession(tx, { userId, expiresAt }, SCRIPT);
  if (dead === "revoked") {
    await tx`update sessions set revoked_at = now() where id = ${sessionId}`;
  }
  return token;
}

async function insertLink(tx: SqlOrTransaction, userId: string): Promise<string> {
  const link = randomBytes(32).toString("base64url");
  const tokenHash = createHash("sha256").update(link).digest();
  await tx`
    insert into sign_in_links (user_id, token_hash, expires_at) values (${userId}, ${tokenHash}, ${inDays(1)})`;
  return link;
}

async function moveKey(
  tx: SqlOrTransaction,
  { scopes, role, project, agent, dead }: KeyTraits,
  { own, keyId, userId }: Setting & { keyId: string; userId: string },
): Promise<void> {
  const { organizationId, projectId, otherProjectId } = own;
  const agentId = agent === null ? null : await insertAgent(tx, own, null, agent);
  const projects = { here: projectId, other: otherProjectId } as const;
  await tx`
    update api_keys set organization_id = ${organizationId}, user_id = ${userId}, agent_id = ${agentId},
      project_id = ${project === null ? null : projects[project]}, scopes = ${[...scopes]}::text[], role = ${role},
      expires_at = ${dead === "expired" ? new Date(Date.now() - SECOND_MS) : null},
      revoked_at = ${dead === "revoked" ? new Date() : null}
    where id = ${keyId}`;
}

function signToken(
  { claims }: PersonTraits,
  { email, own, elsewhere }: { email: string; own: Tenancy; elsewhere: Tenancy },
): Promise<string> {
  const slug = { here: own.organizationSlug, elsewhere: elsewhere.organizationSlug } as const;
  const bound = claims && { organization: slug[claims.organization], role: claims.role };
  return new SignJWT({ email, name: "Caller", ...bound })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(email)
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(SECRET));
}

const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);
