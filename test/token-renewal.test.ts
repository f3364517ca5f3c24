import { HocuspocusProvider } from "@hocuspocus/provider";
import { describe, expect, test } from "vitest";
import { authFrame } from "../bench/wire.ts";
import { createCollaboration } from "../client/index.ts";
import { type Claims, inSeconds, SECRET_ENVIRONMENT, signJwt } from "./support/host-application.ts";
import { keyOf, signedIn } from "./support/roles.ts";
import { until } from "./support/until.ts";
import { openWire, type WireClient } from "./support/wire-client.ts";
import { useWorld } from "./support/world.ts";

const world = await useWorld({ RIGHTS_CHECK_EVERY_MS: "20", ...SECRET_ENVIRONMENT });

/** Somebody of the project for whom the host application signs tokens, which say this beside who he is. */
async function somebody() {
  const { sql } = world.database;
  const { documentId, name } = await world.tenant.document();
  const { userId, token } = await signedIn(sql, world.tenant, { collaborator: "editor" });
  const [user] = await sql<{ email: string }[]>`select email from users where id = ${userId}`;
  const jwt = (claims: Claims = {}): Promise<string> => signJwt({ email: user?.email, ...claims });
  return { documentId, name, userId, token, jwt };
}

async function open(name: string, token: string): Promise<WireClient> {
  const client = await openWire({ url: world.node.url, name, token });
  world.clients.push(client);
  await client.answered();
  return client;
}

/** When the tokens end on which documents are open. */
const ends = (): number[] =>
  [...world.node.collaboration.rights.open.values()].flatMap(({ principal }) =>
    principal.kind === "jwt" ? [principal.expiresAtMs / 1000] : [],
  );

/** Expired a little, within what clocks may differ: it ends in about two seconds. */
const SOON = (): number => inSeconds(-3);

describe("[A3] before a JWT expires its holder is asked for another", () => {
  test("the stock provider goes on with it, on the same socket", async () => {
    const { name, jwt } = await somebody();
    const tokens = [await jwt({ exp: SOON() }), await jwt({ exp: inSeconds(300) })];
    const beside = await open(name, tokens[0] ?? "");
    let asked = 0;
    let lost = 0;
    const provider = new HocuspocusProvider({
      url: world.node.url,
      name,
      token: () => tokens[Math.min(asked++, 1)] ?? "",
      onDisconnect: () => (lost += 1),
    });
    await until(() => provider.synced);
    await until(() => asked === 2);
    // Who does not renew goes when it ends; who has renewed stays.
    expect((await beside.untilClosed()).code).toBe(4401);
    provider.document.getText("diagram").insert(0, "still");
    await until(() => !provider.hasUnsyncedChanges);
    expect([asked, lost]).toEqual([2, 0]);
    provider.destroy();
  });

  test("our client goes on with it, and stays saved", async () => {
    const { documentId, name, jwt } = await somebody();
    const tokens = [await jwt({ exp: SOON() }), await jwt({ exp: inSeconds(300) })];
    const beside = await open(name, tokens[0] ?? "");
    let asked = 0;
    const seen: string[] = [];
    const collaboration = createCollaboration({
      url: world.node.url,
      documentId,
      token: () => tokens[Math.min(asked++, 1)] ?? "",
      onStatus: (status) => seen.push(status),
    });
    await until(() => collaboration.status === "saved");
    expect((await beside.untilClosed()).code).toBe(4401);
    collaboration.document.getText("diagram").insert(0, "still");
    await collaboration.saved();
    expect(asked).toBe(2);
    expect(seen).not.toContain("offline");
    await collaboration.close();
  });

  test("whose application is down for a moment comes back by himself", async () => {
    const { documentId, jwt } = await somebody();
    const [first, next] = [await jwt({ exp: SOON() }), await jwt({ exp: inSeconds(300) })];
    let asked = 0;
    const collaboration = createCollaboration({
      url: world.node.url,
      documentId,
      token: () => {
        asked += 1;
        if (asked === 2) throw new Error("The token service is down");
        return asked === 1 ? first : next;
      },
    });
    await until(() => asked >= 3 && collaboration.status === "saved");
    expect(collaboration.rejection).toBeNull();
    await collaboration.close();
  });

  test("whose token cannot be renewed is asked once more, and then rejected", async () => {
    const { documentId, jwt } = await somebody();
    const token = await jwt({ exp: SOON() });
    let asked = 0;
    const collaboration = createCollaboration({
      url: world.node.url,
      documentId,
      token: () => {
        asked += 1;
        return token;
      },
    });
    await until(() => collaboration.status === "rejected");
    expect(collaboration.rejection?.code).toBe("unauthenticated");
    // At the start, when it was about to end, and after the 4401.
    expect(asked).toBe(3);
    await collaboration.close();
  });
});

describe("[A3] a token that comes on an open document", () => {
  test("of the same person takes the place of the one before, of whatever kind", async () => {
    const { name, jwt, token } = await somebody();
    const socket = await open(name, await jwt({ exp: inSeconds(60) }));
    const end = inSeconds(900);
    socket.socket.send(authFrame(name, await jwt({ exp: end })));
    await until(() => ends().includes(end));
    socket.socket.send(authFrame(name, token));
    await until(() => ends().length === 0);
    expect(socket.closed).toBeNull();
    // The session counts from now on.
    const { sql } = world.database;
    await sql`update sessions set revoked_at = now() where user_id =
      (select user_id from sessions order by created_at desc limit 1)`;
    expect((await socket.untilClosed()).code).toBe(4401);
  });

  test("of somebody else: 4403, and nothing changes hands", async () => {
    const { name, jwt } = await somebody();
    const socket = await open(name, await jwt());
    socket.socket.send(authFrame(name, world.tenant.token));
    expect(await socket.untilClosed()).toEqual({ code: 4403, reason: "forbidden" });
    const mine = await open(name, world.tenant.token);
    const { token } = await keyOf(world.database.sql, world.tenant);
    mine.socket.send(authFrame(name, token));
    mine.document.getText("diagram").insert(0, "a key of the same person");
    await mine.answered();
    expect(mine.closed).toBeNull();
  });

  test("that is not valid: 4401", async () => {
    const { name, jwt } = await somebody();
    const socket = await open(name, await jwt());
    socket.socket.send(authFrame(name, await jwt({ exp: inSeconds(-60) })));
    expect(await socket.untilClosed()).toEqual({ code: 4401, reason: "unauthenticated" });
  });

  test("that allows more or less than the one before: 1012, and it comes back with that", async () => {
    const { name, jwt } = await somebody();
    const socket = await open(name, await jwt());
    const { token } = await keyOf(world.database.sql, world.tenant, { scopes: ["docs:read"] });
    const mine = await open(name, world.tenant.token);
    mine.socket.send(authFrame(name, token));
    expect(await mine.untilClosed()).toEqual({ code: 1012, reason: "restarting" });
    expect(socket.closed).toBeNull();
  });
});
