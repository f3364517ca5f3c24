import type { Extension, HookName } from "@hocuspocus/server";
import * as encoding from "lib0/encoding";
import { afterEach, beforeEach, expect, test } from "vitest";
import { authFrame, FRAME } from "../bench/wire.ts";
import type { FailedAt } from "../extensions/guarded-hooks.ts";
import { documentName } from "../schema/ids.ts";
import { createLogger } from "../server/logger.ts";
import { until } from "./support/until.ts";
import { connectWire, openWire, type WireClient } from "./support/wire-client.ts";
import { useWorld } from "./support/world.ts";

/** What the server complains of, as its own log writes it: one JSON line each. */
const complaints: string[] = [];
const complain = (line: string): unknown => complaints.push(line);
const world = await useWorld({}, createLogger({ LOG_LEVEL: "error" }, { write: complain }));

/** What somebody may throw. `hostile` cannot even be looked at. */
const THROWN: readonly (() => unknown)[] = [
  () => new Error("a fault of ours"),
  () => undefined,
  () => "a string",
  () => hostile({}),
  () => hostile(new Error("hostile")),
];

function hostile(error: object): object {
  const refuse = (): never => {
    throw new Error("do not look at me");
  };
  for (const name of ["message", "reason", "code", "stack", "name", "cause"]) {
    Object.defineProperty(error, name, { get: refuse, enumerable: true });
  }
  return error;
}

/**
 * Every hook that our use of Hocuspocus reaches. Not here: `onChange`, `onStoreDocument`, `afterStoreDocument` (the
 * log has taken their place), and those of Hocuspocus' own HTTP server.
 */
const HOOKS = [
  "onConnect",
  "onAuthenticate",
  "onCreateDocument",
  "onLoadDocument",
  "afterLoadDocument",
  "connected",
  "beforeHandleMessage",
  "afterHandleMessage",
  "beforeSync",
  "onStateless",
  "onAwarenessUpdate",
  "beforeBroadcastStateless",
  "onTokenSync",
  "onDisconnect",
  "beforeUnloadDocument",
  "afterUnloadDocument",
] as const satisfies readonly HookName[];

/** Those after which the socket has nothing to be closed for: it is gone, or the hook is the document's. */
const OF_THE_DOCUMENT: readonly HookName[] = [
  "beforeBroadcastStateless",
  "onDisconnect",
  "beforeUnloadDocument",
  "afterUnloadDocument",
];

/** What nobody caught; Node ends a process for each of them. */
const escaped: unknown[] = [];
const onEscaped = (error: unknown): void => void escaped.push(error);

beforeEach(() => {
  escaped.length = 0;
  complaints.length = 0;
  process.on("unhandledRejection", onEscaped);
  process.on("uncaughtException", onEscaped);
});
afterEach(() => {
  process.off("unhandledRejection", onEscaped);
  process.off("uncaughtException", onEscaped);
});

const frame = (name: string, type: number, write: (encoder: encoding.Encoder) => void) => {
  const encoder = encoding.createEncoder();
  encoding.writeVarString(encoder, name);
  encoding.writeVarUint(encoder, type);
  write(encoder);
  return encoding.toUint8Array(encoder);
};

/** Presence that is news: its clock is 1. */
const presenceFrame = (name: string, clientId: number) =>
  frame(name, FRAME.awareness, (encoder) => {
    const states = encoding.createEncoder();
    for (const number of [1, clientId, 1]) encoding.writeVarUint(states, number);
    encoding.writeVarString(states, "{}");
    encoding.writeVarUint8Array(encoder, encoding.toUint8Array(states));
  });

/** A call that nobody knows: it is answered with a 400. */
const statelessFrame = (name: string) =>
  frame(name, 5, (encoder) => encoding.writeVarString(encoder, "anything"));

const connect = (name: string): WireClient => {
  const client = connectWire({ url: world.node.url, name, token: world.tenant.token });
  world.clients.push(client);
  return client;
};

async function newName(): Promise<string> {
  const { documentId } = await world.tenant.document();
  return documentName(documentId, "content");
}

/** Does, on a document, all that makes Hocuspocus call hooks. */
async function exercise(client: WireClient, name: string): Promise<void> {
  const { socket, document } = client;
  await client.synced().catch(() => {});
  if (client.closed === null) {
    document.getText("diagram").insert(0, "x");
    socket.send(presenceFrame(name, document.clientID));
    socket.send(authFrame(name, world.tenant.token));
    socket.send(statelessFrame(name));
    world.node.collaboration.documents.documents.get(name)?.broadcastStateless("anything");
    await client.answered();
  }
}

/** Lets a hook throw for one document, until the answer is called. */
function sabotage(hook: HookName, name: string, thrown: () => unknown) {
  const { extensions } = world.node.collaboration.documents.configuration;
  let calls = 0;
  const extension: Extension = {
    [hook]: (payload: { readonly documentName: string }) => {
      if (payload.documentName !== name) return;
      calls += 1;
      throw thrown();
    },
  };
  extensions.push(extension);
  return {
    calls: () => calls,
    end: () => void extensions.splice(extensions.indexOf(extension), 1),
  };
}

async function failuresOf(at: FailedAt): Promise<number> {
  const text = await (
    await fetch(new URL("/metrics", world.node.url.replace("ws", "http")))
  ).text();
  const line = new RegExp(`^scriptorium_hook_failures_total\\{hook="${at}"\\} (\\d+)$`, "mu");
  return Number(line.exec(text)?.[1] ?? 0);
}

type Complaint = {
  readonly msg: string;
  readonly hook?: string;
  readonly documentName?: string;
  readonly connectionId?: string;
};

/** What the log says of hooks that failed on this document. */
const loggedOf = (name: string): Complaint[] =>
  complaints
    .map((line) => JSON.parse(line) as Complaint)
    .filter(({ msg, documentName: told }) => msg === "hook failed" && told === name);

test.each(HOOKS)("[T42] %s throws whatever it likes: the others do not notice", async (hook) => {
  const neighbour = connect(await newName());
  await neighbour.synced();
  const counted = await failuresOf(hook);
  let thrown = 0;
  for (const error of THROWN) {
    const name = await newName();
    const sabotaged = sabotage(hook, name, error);
    const client = connect(name);
    await exercise(client, name);
    if (OF_THE_DOCUMENT.includes(hook)) client.socket.close();
    const closed = await client.untilClosed();
    await until(() => sabotaged.calls() > 0, { describe: `${hook} was called` });
    await until(() => world.node.collaboration.documents.live(name) === undefined, {
      describe: "the document is unloaded",
    });
    if (!OF_THE_DOCUMENT.includes(hook)) {
      expect(closed).toEqual({
        code: 4503,
        reason: expect.stringMatching(/^(internal|storage_unavailable)$/u),
      });
    }
    const logged = loggedOf(name);
    expect(logged.map((line) => line.hook)).toEqual(Array(sabotaged.calls()).fill(hook));
    if (!OF_THE_DOCUMENT.includes(hook)) {
      // Not each: presence also ends with its document, on no socket.
      expect(logged.some(({ connectionId }) => connectionId !== undefined)).toBe(true);
    }
    thrown += sabotaged.calls();
    sabotaged.end();

    // What went wrong left nothing behind: the same document opens and is written in.
    const again = await openWire({ url: world.node.url, name, token: world.tenant.token });
    world.clients.push(again);
    again.document.getText("diagram").insert(0, "again");
    await again.answered();
    expect([again.closed, again.refused]).toEqual([null, 0]);
  }
  neighbour.document.getText("diagram").insert(0, "fine");
  await neighbour.answered();
  expect([neighbour.closed, neighbour.refused]).toEqual([null, 0]);
  expect(escaped).toEqual([]);
  expect(await failuresOf(hook)).toBe(counted + thrown);
});

test("[T42] what is thrown on the short way of an update costs its socket", async () => {
  const name = await newName();
  const [victim, neighbour] = [connect(name), connect(await newName())];
  await Promise.all([victim.synced(), neighbour.synced()]);
  await victim.answered();
  const live = world.node.collaboration.documents.live(name);
  if (live === undefined) throw new Error("not open");
  live.receive = () => {
    throw new Error("a fault of ours");
  };
  victim.document.getText("diagram").insert(0, "x");
  expect(await victim.untilClosed()).toEqual({ code: 4503, reason: "internal" });
  neighbour.document.getText("diagram").insert(0, "fine");
  await neighbour.answered();
  expect([neighbour.closed, escaped]).toEqual([null, []]);
  expect(await failuresOf("receiveUpdateFrame")).toBe(1);
  expect(loggedOf(name).map(({ hook }) => hook)).toEqual(["receiveUpdateFrame"]);
});
