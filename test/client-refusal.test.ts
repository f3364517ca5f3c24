import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { DEFAULT_BACKOFF, reconnectDelayMs } from "../client/backoff.ts";
import { refusalOfReason } from "../client/refusal.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import {
  ID,
  isSettled,
  NAME,
  textOf,
  type,
  untilStatus,
  useClientFixture,
} from "./support/client-fixture.ts";
import { until } from "./support/until.ts";

const fixture = useClientFixture();

const rejected = (code: string): unknown => expect.objectContaining({ code });

describe("a refusal is told and stays", () => {
  test("[T45] a viewer's edit: rejected, and reading goes on", async () => {
    fixture.server.authenticate = (token) => ({ readOnly: token === "viewer" });
    const writer = fixture.collaborate();
    const viewer = fixture.collaborate({ token: "viewer" });
    await viewer.saved();
    expect(viewer.status).toBe("saved");
    type(viewer, "a");
    await expect(viewer.saved()).rejects.toEqual(rejected("forbidden"));
    type(writer, "b");
    await until(() => textOf(viewer).includes("b"));
    // Also when it comes back: its offline edits are refused in turn.
    fixture.server.terminateSockets();
    await until(() => fixture.server.accepted === 4 && fixture.server.text(NAME) === "b");
    type(writer, "c");
    await until(() => textOf(viewer).includes("c"));
    expect([viewer.status, fixture.server.text(NAME)]).toEqual(["rejected", "cb"]);
    viewer.reconnect("editor");
    await viewer.saved();
    expect([viewer.rejection, fixture.server.text(NAME)]).toEqual([null, textOf(viewer)]);
  });

  test("SyncStatus(0) for an edit", async () => {
    const collaboration = fixture.collaborate();
    await untilStatus(collaboration, "saved");
    fixture.server.acks = "refuse";
    type(collaboration, "a");
    await expect(collaboration.saved()).rejects.toEqual(rejected("forbidden"));
    expect(collaboration.rejection?.code).toBe("forbidden");
  });

  test.each([
    ["document_not_found", 4404, "document_not_found"],
    ["forbidden", 4403, "forbidden"],
    ["permission-denied", undefined, "forbidden"],
    ["unauthenticated", 4401, "unauthenticated"],
  ])("PermissionDenied(%s): no second socket", async (deny, closeCode, code) => {
    fixture.server.authenticate = () => ({
      deny,
      ...(closeCode === undefined ? {} : { closeCode }),
    });
    const collaboration = fixture.collaborate();
    await expect(collaboration.saved()).rejects.toEqual(rejected(code));
    await until(() => fixture.server.sockets === 0);
    expect([collaboration.status, fixture.server.accepted]).toEqual(["rejected", 1]);
    fixture.server.authenticate = () => ({});
    collaboration.reconnect();
    await collaboration.saved();
    expect([collaboration.status, fixture.server.accepted]).toEqual(["saved", 2]);
  });

  test.each([
    [4400, "bad_update", "bad_update"],
    [4401, "", "unauthenticated"],
    [4403, "", "forbidden"],
    [4404, "", "document_not_found"],
    [4413, "too_large", "too_large"],
    [1009, "", "too_large"],
  ])("a socket closed with %i %s: %s, no second socket", async (closeCode, reason, code) => {
    const collaboration = fixture.collaborate();
    await collaboration.saved();
    fixture.server.closeSockets(closeCode, reason);
    await untilStatus(collaboration, "rejected");
    await until(() => fixture.server.sockets === 0);
    await expect(collaboration.saved()).rejects.toEqual(rejected(code));
    expect(fixture.server.accepted).toBe(1);
  });
});

describe("the way out of a refusal", () => {
  test("a listener may reconnect in the turn in which it hears of it", async () => {
    fixture.server.authenticate = (token) => (token === "old" ? { deny: "unauthenticated" } : {});
    const collaboration = fixture.collaborate({ token: "old" });
    collaboration.on("status", (status) => {
      if (status === "rejected") collaboration.reconnect("new");
    });
    type(collaboration, "a");
    await until(() => fixture.server.text(NAME) === "a");
    await collaboration.saved();
    expect([collaboration.rejection, fixture.server.accepted]).toEqual([null, 2]);
  });
});

describe("what is no refusal is tried again", () => {
  test.each([1000, 1012, 4408, 4429, 4503])("a socket closed with %i", async (closeCode) => {
    const collaboration = fixture.collaborate();
    await collaboration.saved();
    fixture.server.closeOnOpen.push(closeCode, closeCode);
    fixture.server.closeSockets(closeCode);
    await until(() => fixture.server.accepted === 4);
    await collaboration.saved();
    expect(collaboration.rejection).toBeNull();
  });

  test("PermissionDenied(storage_unavailable)", async () => {
    let asked = 0;
    fixture.server.authenticate = () => (++asked < 3 ? { deny: "storage_unavailable" } : {});
    const collaboration = fixture.collaborate();
    await collaboration.saved();
    expect(asked).toBe(3);
  });

  test("a document closed by the server on a socket that stays open", async () => {
    const collaboration = fixture.collaborate();
    await collaboration.saved();
    fixture.server.closeDocument(NAME);
    await untilStatus(collaboration, "offline");
    type(collaboration, "a");
    await collaboration.saved();
    expect(fixture.server.text(NAME)).toBe("a");
  });

  test("an expired token: a fresh one is asked for, once", async () => {
    const given: string[] = [];
    fixture.server.authenticate = (token) =>
      token === "2" ? {} : { deny: "unauthenticated", closeCode: 4401 };
    const token = (): string => {
      given.push(String(given.length + 1));
      return given.at(-1) ?? "";
    };
    const collaboration = fixture.collaborate({ token });
    await collaboration.saved();
    expect(given).toEqual(["1", "2"]);
    // The session ends on the live socket: once more, and then it is refused.
    fixture.server.closeSockets(4401);
    await untilStatus(collaboration, "rejected");
    expect([given, collaboration.rejection?.code]).toEqual([["1", "2", "3"], "unauthenticated"]);
  });

  test("a token service that is down is asked again, one that says no is believed", async () => {
    let asked = 0;
    const token = (): string => {
      asked += 1;
      if (asked === 1) throw new TypeError("fetch failed");
      if (asked === 2) return "token";
      throw new ScriptoriumError("unauthenticated", "Signed out");
    };
    const collaboration = fixture.collaborate({ token });
    await collaboration.saved();
    expect(asked).toBe(2);
    collaboration.reconnect();
    await expect(collaboration.saved()).rejects.toEqual(rejected("unauthenticated"));
  });

  test("the delay grows from half a second to 8 s, and is spread", () => {
    const ceilings = [0, 1, 2, 5, 50].map((failures) =>
      reconnectDelayMs(failures, DEFAULT_BACKOFF, 1),
    );
    expect(ceilings).toEqual([500, 850, 1445, 7099, 8000]);
    expect(reconnectDelayMs(50, DEFAULT_BACKOFF, 0)).toBe(100);
  });
});

describe("closing", () => {
  test("breaks the promises still open, and can be done twice", async () => {
    const collaboration = fixture.collaborate();
    await collaboration.saved();
    fixture.server.acks = "drop";
    type(collaboration, "a");
    const saved = collaboration.saved();
    expect(await isSettled(saved)).toBe(false);
    const closed = collaboration.close();
    await expect(saved).rejects.toEqual(rejected("closed"));
    await Promise.all([closed, collaboration.close()]);
    await expect(collaboration.saved()).rejects.toEqual(rejected("closed"));
    expect(() => collaboration.reconnect()).toThrow("closed");
  });

  const CHILD = fileURLToPath(new URL("./support/client-exit.ts", import.meta.url));
  test.each(["connecting", "syncing", "saving", "saved", "offline", "unreachable", "rejected"])(
    "while %s leaves no timer and no socket: the process ends",
    async (state) => {
      if (state === "rejected") fixture.server.authenticate = () => ({ deny: "forbidden" });
      if (state === "saving" || state === "syncing") fixture.server.acks = "drop";
      if (state === "syncing") fixture.server.authenticate = () => new Promise(() => undefined);
      const child = spawn(process.execPath, [CHILD, fixture.server.url, ID, state], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let closedAtMs = 0;
      let output = "";
      child.stdout.on("data", (bytes: Buffer) => {
        output += bytes.toString();
        closedAtMs = performance.now();
      });
      if (state === "offline") {
        await until(() => output.includes("ready"));
        fixture.server.terminateSockets();
      }
      const [exitCode] = await once(child, "exit");
      expect([exitCode, output]).toEqual([0, state === "offline" ? "ready\nclosed\n" : "closed\n"]);
      expect(performance.now() - closedAtMs).toBeLessThan(1_000);
    },
  );

  test("a bad address or id is refused before anything is opened", () => {
    expect(() => fixture.collaborate({ url: "ftp://example.org" })).toThrow(
      rejected("bad_configuration"),
    );
    expect(() => fixture.collaborate({ documentId: "../x" })).toThrow(
      rejected("bad_document_name"),
    );
    expect(refusalOfReason("restarting")).toBeNull();
  });
});
