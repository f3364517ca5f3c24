import { HocuspocusProvider } from "@hocuspocus/provider";
import { afterEach, describe, expect, test } from "vitest";
import { FRAME } from "../bench/wire.ts";
import { createSession, createUser, setMember } from "../persistence/accounts.ts";
import { SCRIPT } from "../persistence/activities.ts";
import { openRaw, presenceFrame, rawFrame, type RawSocket } from "./support/raw-socket.ts";
import { sized } from "./support/size.ts";
import { until } from "./support/until.ts";
import { useWorld } from "./support/world.ts";

const world = await useWorld();
const sockets: RawSocket[] = [];

afterEach(() => {
  for (const { ws } of sockets.splice(0)) ws.terminate();
});

async function open(name: string, token = world.tenant.token): Promise<RawSocket> {
  const socket = await openRaw(world.node.url);
  sockets.push(socket);
  await socket.open(name, token);
  return socket;
}

/** Another member of the tenant's organization. */
async function colleague(): Promise<string> {
  const { sql } = world.database;
  const userId = await createUser(sql, {
    email: `${crypto.randomUUID()}@example.com`,
    name: "Bea",
  });
  const { organizationId } = world.tenant;
  await setMember(sql, { organizationId, userId, role: "member" }, SCRIPT);
  const expiresAt = new Date(Date.now() + 60_000);
  return (await createSession(sql, { userId, expiresAt }, SCRIPT)).token;
}

const statesOf = (name: string): Map<number, unknown> =>
  world.node.collaboration.documents.live(name)?.document.awareness.getStates() ?? new Map();

const ANN = { client: 7, state: '{"user":{"name":"Ann"}}' };

describe("[T43] presence that is refused costs the socket, and nobody hears of it:", () => {
  const deep = `${'{"a":'.repeat(20)}1${"}".repeat(20)}`;
  test.each([
    ["a state that is too large", [{ client: 1, state: `{"a":"${"x".repeat(17_000)}"}` }]],
    ["a state that nests too deep", [{ client: 1, state: deep }]],
    ["a list", [{ client: 1, state: "[]" }]],
    ["a number", [{ client: 1, state: "1" }]],
    ["no JSON", [{ client: 1, state: "{" }]],
    [
      "200,000 states",
      Array.from({ length: sized(20_000, 200_000) }, (_, client) => ({ client, state: "{}" })),
    ],
    [
      "nine clients of one connection",
      Array.from({ length: 9 }, (_, client) => ({ client, state: "{}" })),
    ],
  ])("%s", async (_what, states) => {
    const { name } = await world.tenant.document();
    const [offender, other] = [await open(name), await open(name)];
    const heard = other.count(name, FRAME.awareness);
    offender.send(presenceFrame(name, states));
    expect(await offender.untilClosed()).toEqual({ code: 4400, reason: "bad_frame" });
    await other.settled(name);
    expect([other.count(name, FRAME.awareness), statesOf(name).size]).toEqual([heard, 0]);
  });

  test("client ids one after the other, each taken back", async () => {
    const { name } = await world.tenant.document();
    const offender = await open(name);
    for (let client = 1; client <= 9; client += 1) {
      offender.send(presenceFrame(name, [{ client, state: "{}" }]));
      offender.send(presenceFrame(name, [{ client, clock: 2, state: "null" }]));
    }
    expect((await offender.untilClosed()).code).toBe(4400);
  });

  test("another client's id, while he is there and after he has left", async () => {
    const { name } = await world.tenant.document();
    const [ann, bea] = [await open(name), await open(name, await colleague())];
    ann.send(presenceFrame(name, [ANN]));
    await until(() => bea.count(name, FRAME.awareness) > 0);
    const forged = { client: 7, clock: 1000, state: '{"user":{"name":"Mallory"}}' };
    bea.send(presenceFrame(name, [forged]));
    expect((await bea.untilClosed()).code).toBe(4400);
    expect(statesOf(name).get(7)).toEqual({ user: { name: "Ann" } });
    const keeper = await open(name);
    ann.send(rawFrame(name, FRAME.close));
    await until(() => !statesOf(name).has(7));
    const again = await open(name, await colleague());
    again.send(presenceFrame(name, [forged]));
    expect((await again.untilClosed()).code).toBe(4400);
    expect([keeper.closed, statesOf(name).has(7)]).toEqual([null, false]);
  });
});

test("[T43] that somebody else has left is not believed, and not held against who says it", async () => {
  const { name } = await world.tenant.document();
  const [ann, bea] = [await open(name), await open(name, await colleague())];
  ann.send(presenceFrame(name, [ANN]));
  await until(() => statesOf(name).has(7));
  const left = [7, 8, 9].map((client) => ({ client, clock: 1000, state: "null" }));
  bea.send(presenceFrame(name, [...left, { client: 20, state: '{"user":{"name":"Bea"}}' }]));
  await until(() => statesOf(name).has(20));
  expect([bea.closed, [...statesOf(name).keys()]]).toEqual([null, [7, 20]]);
});

test("whoever leaves or says so is gone for the others, also after a reconnect", async () => {
  const { name } = await world.tenant.document();
  const watcher = await open(name);
  const first = await open(name);
  first.send(presenceFrame(name, [ANN]));
  await until(() => statesOf(name).has(7));
  first.send(presenceFrame(name, [{ ...ANN, clock: 2, state: "null" }]));
  await until(() => !statesOf(name).has(7));
  // The old socket is half-dead, and its client is back on a new one.
  first.send(presenceFrame(name, [{ ...ANN, clock: 3 }]));
  const second = await open(name);
  second.send(presenceFrame(name, [{ ...ANN, clock: 4 }]));
  await second.settled(name);
  first.ws.terminate();
  await until(
    () => world.node.collaboration.documents.live(name)?.document.getConnectionsCount() === 2,
  );
  expect([...statesOf(name).keys()]).toEqual([7]);
  second.ws.terminate();
  await until(() => statesOf(name).size === 0);
  expect(watcher.closed).toBeNull();
});

test("stock providers see each other, from their first frame on", async () => {
  const { name } = await world.tenant.document();
  const { url } = world.node;
  const providers = ["Ann", "Bea"].map((user) => {
    const provider = new HocuspocusProvider({ url, name, token: world.tenant.token });
    provider.setAwarenessField("user", { name: user });
    return provider;
  });
  const names = ({ awareness }: HocuspocusProvider): string[] =>
    [...(awareness?.getStates().values() ?? [])]
      .map((state) => String((state["user"] as { name: string } | undefined)?.name))
      .toSorted();
  await until(() => providers.every((each) => names(each).join() === "Ann,Bea"));
  providers[0]?.destroy();
  const [, bea] = providers;
  await until(() => bea !== undefined && names(bea).join() === "Bea");
  bea?.destroy();
});
