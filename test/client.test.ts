import { describe, expect, test } from "vitest";
import { WebSocket as WsWebSocket } from "ws";
import * as Y from "yjs";
import type { WebSocketClass } from "../client/reconnecting-socket.ts";
import {
  isSettled,
  NAME,
  textOf,
  type,
  untilStatus,
  useClientFixture,
} from "./support/client-fixture.ts";
import { importsOf } from "./support/imports.ts";
import { readSources } from "./support/source-files.ts";
import { until } from "./support/until.ts";

const fixture = useClientFixture();

describe("saved means acknowledged", () => {
  test("an edit is saving at once, and saved when its acknowledgement came", async () => {
    const seen: string[] = [];
    const collaboration = fixture.collaborate({ onStatus: (status) => seen.push(status) });
    await untilStatus(collaboration, "saved");
    fixture.server.acks = "hold";
    type(collaboration, "a");
    expect(collaboration.status).toBe("saving");
    const saved = collaboration.saved();
    await until(() => fixture.server.text(NAME) === "a" && fixture.server.heldCount() === 1);
    expect([collaboration.status, await isSettled(saved)]).toEqual(["saving", false]);
    fixture.server.release();
    await saved;
    expect(seen).toEqual(["syncing", "saving", "saved", "saving", "saved"]);
  });

  test("[T3] offline edits are saved when the acknowledgement of their sync came; the stock counter says so earlier", async () => {
    let release: () => void = () => undefined;
    const token = (): Promise<string> =>
      fixture.server.accepted < 2
        ? Promise.resolve("token")
        : new Promise((resolve) => (release = () => resolve("token")));
    const collaboration = fixture.collaborate({ token });
    await untilStatus(collaboration, "saved");
    fixture.server.acks = "hold";
    collaboration.disconnect();
    for (const letter of "abc") type(collaboration, letter);
    expect(collaboration.status).toBe("offline");
    collaboration.reconnect();
    await untilStatus(collaboration, "syncing");
    // While the token is fetched the socket is open: these two leave as frames of their own, before the counter of
    // the stock provider restarts at 1.
    for (const letter of "de") type(collaboration, letter);
    release();
    await until(() => fixture.server.text(NAME) === "edcba" && fixture.server.heldCount() === 3);
    const saved = collaboration.saved();
    fixture.server.release({ count: 1 });
    await until(() => !collaboration.provider.hasUnsyncedChanges);
    expect([collaboration.status, await isSettled(saved)]).toEqual(["saving", false]);
    fixture.server.release({ count: 1 });
    fixture.server.release();
    await saved;
    expect(collaboration.status).toBe("saved");
  });

  test("a socket lost with acknowledgements outstanding: offline, then saved by the sync of the next", async () => {
    const collaboration = fixture.collaborate();
    const seen: string[] = [];
    await untilStatus(collaboration, "saved");
    fixture.server.acks = "hold";
    for (const letter of "abc") type(collaboration, letter);
    const saved = collaboration.saved();
    await until(() => fixture.server.heldCount() === 3);
    collaboration.on("status", (status) => seen.push(status));
    fixture.server.terminateSockets();
    await until(() => fixture.server.heldCount() === 1 && collaboration.status === "saving");
    expect(await isSettled(saved)).toBe(false);
    fixture.server.release();
    await saved;
    expect(seen).toEqual(["offline", "connecting", "syncing", "saving", "saved"]);
  });

  test("an acknowledgement that never comes is never made up for", async () => {
    const collaboration = fixture.collaborate();
    await untilStatus(collaboration, "saved");
    fixture.server.acks = "drop";
    type(collaboration, "a");
    await until(() => fixture.server.text(NAME) === "a");
    fixture.server.acks = "pass";
    type(collaboration, "b");
    await until(
      () => !collaboration.provider.hasUnsyncedChanges || fixture.server.text(NAME) === "ba",
    );
    expect(collaboration.status).toBe("saving");
    collaboration.reconnect();
    await collaboration.saved();
    expect(collaboration.status).toBe("saved");
  });

  test("saved() covers the edits before the call, not those after", async () => {
    const collaboration = fixture.collaborate();
    await collaboration.saved();
    fixture.server.acks = "hold";
    type(collaboration, "a");
    const first = collaboration.saved();
    type(collaboration, "b");
    const second = collaboration.saved();
    await until(() => fixture.server.heldCount() === 2);
    fixture.server.release({ count: 1 });
    await first;
    expect([collaboration.status, await isSettled(second)]).toEqual(["saving", false]);
    fixture.server.release();
    await second;
  });

  test("edits gathered by flushDelayMs are saving before any frame has left", async () => {
    const collaboration = fixture.collaborate({ flushDelayMs: 30 });
    await untilStatus(collaboration, "saved");
    for (const letter of "abc") type(collaboration, letter);
    expect(collaboration.status).toBe("saving");
    await collaboration.saved();
    expect(fixture.server.text(NAME)).toBe("cba");
  });

  test("what others write is not an edit of ours", async () => {
    const writer = fixture.collaborate();
    const seen: string[] = [];
    const reader = fixture.collaborate();
    await Promise.all([writer.saved(), reader.saved()]);
    reader.on("status", (status) => seen.push(status));
    type(writer, "a");
    await until(() => textOf(reader) === "a");
    expect(seen).toEqual([]);
  });

  test("the ws package serves as the WebSocket", async () => {
    const collaboration = fixture.collaborate({
      WebSocket: WsWebSocket as unknown as WebSocketClass,
    });
    type(collaboration, "a");
    await collaboration.saved();
    expect(fixture.server.text(NAME)).toBe("a");
    // Closed in the middle of a handshake, ws throws an error that somebody must hear.
    collaboration.disconnect();
    collaboration.reconnect();
    await collaboration.close();
  });
});

describe("several documents on one socket", () => {
  const OTHER = "00000000-0000-4000-8000-000000000002";

  test("are counted apart", async () => {
    const connection = fixture.share();
    const one = fixture.collaborate({ connection });
    const two = fixture.collaborate({ connection, documentId: OTHER });
    await Promise.all([one.saved(), two.saved()]);
    fixture.server.acks = "hold";
    type(one, "a");
    type(two, "b");
    await until(() => fixture.server.heldCount() === 2);
    fixture.server.release({ documentName: `document:${OTHER}` });
    await two.saved();
    expect([fixture.server.accepted, one.status, two.status]).toEqual([1, "saving", "saved"]);
    fixture.server.release();
    await one.saved();
  });

  test("an acknowledgement for a closed one is not counted by its successor", async () => {
    const connection = fixture.share();
    const first = fixture.collaborate({ connection });
    await first.saved();
    fixture.server.acks = "hold";
    type(first, "a");
    await until(() => fixture.server.heldCount() === 1);
    await first.close();
    const second = fixture.collaborate({ connection });
    await until(() => fixture.server.heldCount() === 2);
    fixture.server.release({ count: 1 });
    type(second, "b");
    await until(() => fixture.server.heldCount() === 2);
    expect([fixture.server.accepted, second.status]).toEqual([1, "saving"]);
    fixture.server.release();
    await second.saved();
  });

  test("one refused leaves the other alone", async () => {
    fixture.server.authenticate = (_token, name) =>
      name === NAME ? {} : { deny: "document_not_found" };
    const connection = fixture.share();
    const one = fixture.collaborate({ connection });
    const two = fixture.collaborate({ connection, documentId: OTHER });
    await untilStatus(two, "rejected");
    type(one, "a");
    await one.saved();
    fixture.server.terminateSockets();
    await untilStatus(one, "offline");
    await one.saved();
    expect([one.status, two.status, fixture.server.accepted]).toEqual(["saved", "rejected", 2]);
  });
});

describe("what belongs to client/", () => {
  const ALLOWED = /^(\.\/|\.\.\/schema\/|@hocuspocus\/provider$|lib0\/|y-protocols\/|yjs$)/u;

  test("nothing of node, nothing of the server's rooms", () => {
    const files = readSources("client", [".ts"]);
    const foreign = files.flatMap(({ path, text }) =>
      importsOf(text)
        .filter(({ specifier }) => !ALLOWED.test(specifier ?? ""))
        .map(({ specifier }) => `${path}: ${specifier}`),
    );
    expect([files.length > 5, foreign]).toEqual([true, []]);
  });

  test("a given document and its content survive", async () => {
    const document = new Y.Doc();
    document.getText("diagram").insert(0, "before");
    const collaboration = fixture.collaborate({ document });
    await collaboration.saved();
    expect(fixture.server.text(NAME)).toBe("before");
    await collaboration.close();
    expect([document.getText("diagram").toJSON(), document.isDestroyed]).toEqual(["before", false]);
  });
});
