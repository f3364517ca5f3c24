import { request } from "node:http";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { FRAME, SYNC, syncFrame } from "../bench/wire.ts";
import { askFrom } from "./support/from-address.ts";
import { useLimitedNodes } from "./support/limited-nodes.ts";
import { openRaw, type RawSocket } from "./support/raw-socket.ts";
import { signedIn } from "./support/roles.ts";
import { until } from "./support/until.ts";

const nodes = useLimitedNodes();

type TestNode = Awaited<ReturnType<typeof nodes.start>>;

/** All of 127.0.0.0/8 is this machine. */
const [HERE, THERE] = ["127.0.0.1", "127.0.0.2"] as const;

const somebody = async (): Promise<string> =>
  (await signedIn(nodes.sql, nodes.tenant, { member: "admin" })).token;

describe("how fast all sockets together are read", () => {
  const PER_SECOND = 500;
  /** Two seconds' worth may come at once. */
  const FEW_EDITS = 950;
  /** Of three sockets together: seconds of waiting, also where the work itself takes seconds. */
  const EDITS = 1900;
  /** What another writes meanwhile, one after the other: whoever is slowed down is read a piece at a time. */
  const OTHERS_EDITS = 5;

  type Writer = { readonly name: string; readonly socket: RawSocket };

  async function openWriter({ url }: TestNode, token: string, from: string): Promise<Writer> {
    const { name } = await nodes.tenant.document();
    const socket = await openRaw(url, { localAddress: from });
    await socket.open(name, token);
    return { name, socket };
  }

  function type({ name, socket }: Writer, edits: number): void {
    const doc = new Y.Doc();
    doc.on("update", (update: Uint8Array) => socket.send(syncFrame(name, SYNC.update, update)));
    for (let edit = 0; edit < edits; edit += 1) doc.getText("diagram").insert(0, "x");
    doc.destroy();
  }

  const saved = ({ name, socket }: Writer): number => socket.count(name, FRAME.syncStatus);

  test.each<[string, string, (own: string, other: string) => [token: string, from: string][]]>([
    [
      "FRAMES_PER_SECOND_PER_PRINCIPAL",
      "one principal's from anywhere; another principal's beside them are not",
      (own, other) => [
        [own, HERE],
        [own, THERE],
        [own, HERE],
        [other, HERE],
      ],
    ],
    [
      "FRAMES_PER_SECOND_PER_ADDRESS",
      "one address's, whoever it is; those of another address are not",
      (own, other) => [
        [own, HERE],
        [other, HERE],
        [own, HERE],
        [own, THERE],
      ],
    ],
  ])("%s: %s slowed down, and nothing is lost", async (variable, _who, whoAndWhere) => {
    const environment = { [variable]: String(PER_SECOND) };
    const calm = await nodes.start(environment);
    const alone = await openWriter(calm, nodes.tenant.token, HERE);
    type(alone, FEW_EDITS);
    await until(() => saved(alone) === FEW_EDITS, { describe: "one socket's edits are saved" });
    expect(await nodes.reached(calm, "frames_per_second")).toBe(0);

    const node = await nodes.start(environment);
    const from = whoAndWhere(nodes.tenant.token, await somebody());
    const writers = await Promise.all(from.map((each) => openWriter(node, ...each)));
    const [other, ...together] = writers.toReversed();
    if (other === undefined) throw new Error("nobody writes");
    for (const writer of together) type(writer, EDITS);
    const sum = (): number => together.reduce((count, writer) => count + saved(writer), 0);
    await until(async () => (await nodes.reached(node, "frames_per_second")) > 0);
    for (let edits = 1; edits <= OTHERS_EDITS; edits += 1) {
      type(other, 1);
      await until(() => saved(other) === edits, { describe: "the other's edit is saved" });
    }
    expect(sum()).toBeLessThan(together.length * EDITS);
    type(other, FEW_EDITS);
    const isAllSaved = (): boolean =>
      sum() === together.length * EDITS && saved(other) === OTHERS_EDITS + FEW_EDITS;
    await until(isAllSaved, {
      timeoutMs: 60_000,
      describe: "everything is saved",
    });
    expect(writers.map(({ socket }) => socket.closed)).toEqual(writers.map(() => null));
    for (const { socket } of [alone, ...writers]) socket.ws.terminate();
  });
});

describe("REQUESTS_AT_ONCE_PER_ADDRESS", () => {
  /** Sends half of a request, and the rest when told to. `status` is the answer's, null as long as there is none. */
  function begin({ port }: TestNode) {
    const sent = request({
      host: HERE,
      port,
      localAddress: HERE,
      method: "POST",
      path: "/api/v1/organizations",
      headers: {
        authorization: `Bearer ${nodes.tenant.token}`,
        "content-type": "application/json",
        "content-length": 2,
      },
      agent: false,
    });
    const begun = { status: null as number | null, finish: () => void sent.end("}") };
    sent.on("response", (response) => {
      begun.status = response.statusCode ?? 0;
      response.resume();
    });
    sent.on("error", () => undefined);
    sent.write("{");
    return begun;
  }

  test("so many of one address at a time; another address has its own, and what ends makes room", async () => {
    const node = await nodes.start({ REQUESTS_AT_ONCE_PER_ADDRESS: "2" });
    const { token } = nodes.tenant;
    const ask = (from: string) => askFrom(from, node.port, { token });
    const begun = [begin(node), begin(node), begin(node)];
    await until(() => begun.some(({ status }) => status !== null));
    const [refused, ...held] = begun.toSorted((a, b) => (b.status ?? 0) - (a.status ?? 0));
    expect([refused?.status, ...held.map(({ status }) => status)]).toEqual([429, null, null]);
    expect(await ask(HERE)).toEqual({ status: 429, retryAfter: "1", code: "too_many_requests" });
    expect((await ask(THERE)).status).toBe(200);
    expect(await nodes.reached(node, "requests_at_once")).toBe(2);
    for (const each of held) each.finish();
    await until(() => held.every(({ status }) => status === 400));
    expect((await ask(HERE)).status).toBe(200);
  });
});

describe("TRUSTED_PROXIES: limits for an address are", () => {
  const [ANN, BEN] = ["198.51.100.1", "198.51.100.2"] as const;

  /** Asks until it is too much, a few times more than may come at once. Answers whether it was. */
  async function isTooMuch(
    { port }: TestNode,
    { from = HERE, forwardedFor }: { from?: string; forwardedFor: (count: number) => string },
  ): Promise<boolean> {
    for (let count = 0; count < 15; count += 1) {
      const asked = { token: nodes.tenant.token, forwardedFor: forwardedFor(count) };
      if ((await askFrom(from, port, asked)).status === 429) return true;
    }
    return false;
  }

  /** An address that nobody had before. */
  const another = (count: number): string => `198.51.100.${100 + count}`;

  test("those of each client behind the proxy, whatever he says of himself", async () => {
    const node = await nodes.start({
      TRUSTED_PROXIES: HERE,
      REQUESTS_PER_SECOND_PER_ADDRESS: "1",
    });
    // What stands before the proxy's word he has made up.
    expect(await isTooMuch(node, { forwardedFor: (at) => `${another(at)}, ${ANN}` })).toBe(true);
    const { token } = nodes.tenant;
    const ben = await askFrom(HERE, node.port, { token, forwardedFor: BEN });
    expect(ben.status).toBe(200);
    expect(await isTooMuch(node, { forwardedFor: another })).toBe(false);
  });

  test.each([
    ["the peer's without the setting", {}, HERE],
    ["the peer's where he is not in the setting", { TRUSTED_PROXIES: HERE }, THERE],
  ])("%s: the header is anybody's word", async (_what, environment, from) => {
    const node = await nodes.start({ ...environment, REQUESTS_PER_SECOND_PER_ADDRESS: "1" });
    expect(await isTooMuch(node, { from, forwardedFor: another })).toBe(true);
  });

  /** 101, or the status that the upgrade was answered with. */
  async function upgrade({ url }: TestNode, from: string, forwardedFor: string): Promise<string> {
    const headers = { "x-forwarded-for": forwardedFor };
    try {
      await openRaw(url, { localAddress: from, headers });
      return "101";
    } catch (error) {
      return /\d{3}/u.exec(String(error))?.[0] ?? String(error);
    }
  }

  test("of sockets too, each client's own; the proxy has as many connections as it needs", async () => {
    const environment = { TRUSTED_PROXIES: HERE, CONNECTIONS_PER_ADDRESS: "2" };
    const node = await nodes.start(environment);
    const statuses = [];
    for (const client of [ANN, ANN, ANN, BEN, BEN, BEN]) {
      statuses.push(await upgrade(node, HERE, client));
    }
    expect(statuses).toEqual(["101", "101", "429", "101", "101", "429"]);
    // Who is no proxy counts for himself, and his connections before a byte is read.
    const own = [];
    for (const client of [ANN, BEN, another(0)]) own.push(await upgrade(node, THERE, client));
    expect(own.slice(0, 2)).toEqual(["101", "101"]);
    expect(own[2]).not.toBe("101");
  });
});
