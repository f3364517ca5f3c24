import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { authFrame, EMPTY_STATE_VECTOR, SYNC, syncFrame } from "../bench/wire.ts";
import { cut } from "../extensions/live-rights.ts";
import type { Sql } from "../persistence/database.ts";
import { inSeconds, SECRET_ENVIRONMENT, signJwt } from "./support/host-application.ts";
import { countRows } from "./support/log-rows.ts";
import { createAgent, keyOf, signedIn } from "./support/roles.ts";
import { sized } from "./support/size.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { connectWire, openWire, type WireClient } from "./support/wire-client.ts";
import { useWorld } from "./support/world.ts";

/** No request changes anything here: what is closed was found by the watch, as on any other server of the database. */
const world = await useWorld({ RIGHTS_CHECK_EVERY_MS: "20", ...SECRET_ENVIRONMENT });

const UNAUTHENTICATED = { code: 4401, reason: "unauthenticated" };
const NOT_FOUND = { code: 4404, reason: "document_not_found" };
const RESTARTING = { code: 1012, reason: "restarting" };

async function open(name: string, token: string): Promise<WireClient> {
  const client = await openWire({ url: world.node.url, name, token });
  world.clients.push(client);
  await client.answered();
  return client;
}

/** What somebody does with SQL or the script to whoever has the document open with this token. */
type Case = readonly [
  who: (sql: Sql, tenant: Tenant) => Promise<{ token: string; change: string; id: string }>,
  closed: { code: number; reason: string },
];

const session =
  (change: string) =>
  async (sql: Sql, tenant: Tenant): ReturnType<Case[0]> => {
    const { sessionId, token } = await signedIn(sql, tenant, { collaborator: "editor" });
    return { token, change: `update sessions set ${change} where id = $1`, id: sessionId };
  };

const key =
  (change: string) =>
  async (sql: Sql, tenant: Tenant): ReturnType<Case[0]> => {
    const { keyId, token } = await keyOf(sql, tenant);
    return { token, change: `update api_keys set ${change} where id = $1`, id: keyId };
  };

const agent =
  (change: string) =>
  async (sql: Sql, tenant: Tenant): ReturnType<Case[0]> => {
    const agentId = await createAgent(sql, tenant, "active");
    const { token } = await keyOf(sql, tenant, { agentId });
    return { token, change: `update agents set ${change} where id = $1`, id: agentId };
  };

const collaborator =
  (change: string) =>
  async (sql: Sql, tenant: Tenant): ReturnType<Case[0]> => {
    const { userId, token } = await signedIn(sql, tenant, { collaborator: "editor" });
    return { token, change, id: userId };
  };

const vouched = async (sql: Sql, tenant: Tenant): ReturnType<Case[0]> => {
  const { userId } = await signedIn(sql, tenant, { collaborator: "editor" });
  const [user] = await sql<{ email: string }[]>`select email from users where id = ${userId}`;
  const token = await signJwt({ email: user?.email });
  return { token, change: "delete from users where id = $1", id: userId };
};

const cases: Record<string, Case> = {
  "a session is revoked": [session("revoked_at = now()"), UNAUTHENTICATED],
  "a session is over": [session("expires_at = now() + interval '0.1 second'"), UNAUTHENTICATED],
  "a key is revoked": [key("revoked_at = now()"), UNAUTHENTICATED],
  "a key is over": [key("expires_at = now() + interval '0.1 second'"), UNAUTHENTICATED],
  "a key may not write any more": [key("scopes = '{docs:read}'"), RESTARTING],
  "a key may not read any more": [
    key("scopes = '{comments:write}'"),
    { code: 4403, reason: "forbidden" },
  ],
  "an agent is terminated": [agent("status = 'terminated'"), UNAUTHENTICATED],
  "an agent is put on probation": [agent("status = 'probation'"), RESTARTING],
  "an agent is deleted": [agent("deleted_at = now()"), UNAUTHENTICATED],
  "a collaborator is removed": [
    collaborator("update collaborators set removed_at = now() where user_id = $1"),
    NOT_FOUND,
  ],
  "a collaborator becomes a viewer": [
    collaborator("update collaborators set role = 'viewer' where user_id = $1"),
    RESTARTING,
  ],
  "a user is deleted": [collaborator("delete from users where id = $1"), UNAUTHENTICATED],
  "a user for whom the host application vouches is deleted": [vouched, UNAUTHENTICATED],
};

describe("[A3 T44] without a request the watch finds it:", () => {
  test.each(Object.entries(cases))("%s", async (_what, [who, closed]) => {
    const { database, tenant } = world;
    const { name } = await tenant.document();
    const other = await open(name, tenant.token);
    const { token, change, id } = await who(database.sql, tenant);
    const socket = await open(name, token);
    await database.sql.unsafe(change, [id]);
    expect(await socket.untilClosed()).toEqual(closed);
    expect(other.closed).toBeNull();
  });

  test("a document is deleted, a project goes, an organization is deleted", async () => {
    const { sql } = world.database;
    const doomed = await createTenant(sql);
    const [one, two] = [await doomed.document(), await doomed.document()];
    const [first, second] = [
      await open(one.name, doomed.token),
      await open(two.name, doomed.token),
    ];
    const mine = await open((await world.tenant.document()).name, world.tenant.token);
    await sql`update documents set deleted_at = now() where id = ${one.documentId}`;
    expect(await first.untilClosed()).toEqual(NOT_FOUND);
    expect(second.closed).toBeNull();
    await sql`update organizations set deleted_at = now() where id = ${doomed.organizationId}`;
    expect(await second.untilClosed()).toEqual(NOT_FOUND);
    expect(mine.closed).toBeNull();
  });
});

test("[A3 T44] a JWT counts until it expires, then its socket is closed with 4401", async () => {
  const { sql } = world.database;
  const { name } = await world.tenant.document();
  const { userId } = await signedIn(sql, world.tenant, { collaborator: "editor" });
  const [user] = await sql<{ email: string }[]>`select email from users where id = ${userId}`;
  const claims = { email: user?.email };
  // Within the five seconds by which clocks may differ: it ends in a second.
  const ending = await open(name, await signJwt({ ...claims, exp: inSeconds(-4) }));
  const going = await open(name, await signJwt({ ...claims, exp: inSeconds(60) }));
  expect(await ending.untilClosed()).toEqual(UNAUTHENTICATED);
  expect(going.closed).toBeNull();
});

test("[A3] many on one document are one statement, whoever they are", async () => {
  const { sql } = world.database;
  const { node, tenant } = world;
  const people = sized(60, 300);
  const { name } = await tenant.document();
  const everybody = await Promise.all(
    Array.from({ length: people }, async () => {
      const who = await signedIn(sql, tenant, { collaborator: "editor" });
      return { ...who, socket: await open(name, who.token) };
    }),
  );
  const statements: string[] = [];
  const counting = new Proxy(sql, {
    apply: (target, self, given: [TemplateStringsArray]) => {
      const text = given[0].join("?");
      // A piece of a statement goes through here too.
      if (/^\s*select\b/u.test(text)) statements.push(text);
      return Reflect.apply(target, self, given) as unknown;
    },
  });
  await node.collaboration.rights.reviewAll(counting);
  expect(statements).toHaveLength(1);
  const [first, ...others] = everybody;
  await sql`update collaborators set removed_at = now() where user_id = ${first?.userId ?? ""}`;
  expect(await first?.socket.untilClosed()).toEqual(NOT_FOUND);
  expect(others.every(({ socket }) => socket.closed === null)).toBe(true);
});

test("[A3] a socket with two documents goes and comes back, and is told what concerns each", async () => {
  const { sql } = world.database;
  const [kept, lost] = [await world.tenant.document(), await world.tenant.document()];
  const { token } = world.tenant;
  const socket = await open(kept.name, token);
  const beside = await open(kept.name, token);
  socket.socket.send(authFrame(lost.name, token));
  socket.socket.send(syncFrame(lost.name, SYNC.step1, EMPTY_STATE_VECTOR));
  await until(() => world.node.collaboration.rights.open.size === 3);
  await sql`update documents set deleted_at = now() where id = ${lost.documentId}`;
  expect(await socket.untilClosed()).toEqual(RESTARTING);
  expect(beside.closed).toBeNull();
  const [again, gone] = [kept, lost].map(({ name }) =>
    connectWire({ url: world.node.url, name, token }),
  );
  world.clients.push(...[again, gone].filter((client) => client !== undefined));
  await again?.synced();
  expect(await gone?.untilClosed()).toEqual(NOT_FOUND);
});

test("[A3] two documents of one session that ends: 4401, for it is true of both", async () => {
  const { sql } = world.database;
  const [one, two] = [await world.tenant.document(), await world.tenant.document()];
  const { sessionId, token } = await signedIn(sql, world.tenant, { collaborator: "viewer" });
  const socket = await open(one.name, token);
  socket.socket.send(authFrame(two.name, token));
  socket.socket.send(syncFrame(two.name, SYNC.step1, EMPTY_STATE_VECTOR));
  await until(() => world.node.collaboration.rights.open.size === 2);
  await sql`update sessions set revoked_at = now() where id = ${sessionId}`;
  expect(await socket.untilClosed()).toEqual(UNAUTHENTICATED);
});

test("[A3] what a socket that is cut has sent already, and nobody has looked at, dies with it", async () => {
  const { sql } = world.database;
  const { rights } = world.node.collaboration;
  const { documentId, name } = await world.tenant.document();
  const { token } = await signedIn(sql, world.tenant, { collaborator: "editor" });
  const socket = await open(name, token);
  const [connection] = rights.open.keys();
  const other = await open(name, world.tenant.token);
  const rows = () => countRows(sql, { documentId, part: "content" });
  const before = await rows();
  const doc = new Y.Doc();
  doc.getText("diagram").insert(0, "late");
  // In Hocuspocus' queue, which goes on when this turn is over.
  for (const kind of [SYNC.step2, SYNC.update]) {
    connection?.handleMessage(syncFrame(name, kind, Y.encodeStateAsUpdate(doc)));
  }
  if (connection !== undefined) cut(new Map([[connection, "forbidden"]]));
  expect(await socket.untilClosed()).toEqual({ code: 4403, reason: "forbidden" });
  other.document.getText("diagram").insert(0, "mine");
  await other.answered();
  expect(await rows()).toBe(before + 1);
});

describe("[A3] who comes in while his right is taken", () => {
  test("just after he was judged: he is sent away to come again", async () => {
    const { sql } = world.database;
    const { rights } = world.node.collaboration;
    const { name } = await world.tenant.document();
    const { userId, token } = await signedIn(sql, world.tenant, { collaborator: "editor" });
    const before = await open(name, token);
    const settle = await rights.review(sql, [{ userId }]);
    const meanwhile = await open(name, token);
    settle();
    expect(await meanwhile.untilClosed()).toEqual(RESTARTING);
    expect(before.closed).toBeNull();
    await open(name, token);
  });

  test("between his sign-in and the document: he does not get it, and writes nothing", async () => {
    const { sql } = world.database;
    const { rights } = world.node.collaboration;
    const { name } = await world.tenant.document();
    const { userId, token } = await signedIn(sql, world.tenant, { collaborator: "editor" });
    const locked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const holding = sql.begin(async (tx) => {
      await tx`lock table yjs_documents in access exclusive mode`;
      locked.resolve();
      await release.promise;
    });
    await locked.promise;
    const client = connectWire({ url: world.node.url, name, token });
    world.clients.push(client);
    // He is let in, and the document waits for the lock.
    await until(async () => {
      const [row] = await sql<{ waiting: boolean }[]>`
        select exists (select from pg_stat_activity
                       where wait_event_type = 'Lock' and query like '%yjs_documents%'
                         and datname = current_database()) as waiting`;
      return row?.waiting === true;
    });
    const settle = await rights.review(sql, [{ userId }]);
    settle();
    release.resolve();
    await holding;
    expect(await client.untilClosed()).toEqual(RESTARTING);
    expect(client.accepted).toBe(0);
    // A change that is somebody else's would not have mattered.
    const other = await open(name, world.tenant.token);
    (await rights.review(sql, [{ userId: randomUUID() }]))();
    expect(other.closed).toBeNull();
  });
});
