import { HocuspocusProvider } from "@hocuspocus/provider";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { addressBytes, FRAME, SYNC, syncFrame } from "../bench/wire.ts";
import { createCollaboration } from "../client/index.ts";
import type { Role } from "../schema/roles.ts";
import { countRows } from "./support/log-rows.ts";
import { signedIn } from "./support/roles.ts";
import { until } from "./support/until.ts";
import { openWire, type WireClient } from "./support/wire-client.ts";
import { useWorld } from "./support/world.ts";

const world = await useWorld();

const READERS: Role[] = ["viewer", "reviewer"];

async function open(name: string, token: string): Promise<WireClient> {
  const client = await openWire({ url: world.node.url, name, token });
  world.clients.push(client);
  await client.answered();
  return client;
}

/** A document with "before" in it, on the socket of somebody who may write, and a reader's token. */
async function begin(collaborator: Role) {
  const { tenant, database } = world;
  const { documentId, name } = await tenant.document();
  const writer = await open(name, tenant.token);
  writer.document.getText("diagram").insert(0, "before");
  await writer.answered();
  const { userId, token } = await signedIn(database.sql, tenant, { collaborator });
  const rows = () => countRows(database.sql, { documentId, part: "content" });
  return { documentId, name, writer, userId, token, rows, rowsBefore: await rows() };
}

const edited = (from: Y.Doc, text: string): Uint8Array => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(from));
  doc.getText("diagram").insert(0, text);
  return Y.encodeStateAsUpdate(doc);
};

const deleted = (from: Y.Doc): Uint8Array => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(from));
  doc.getText("diagram").delete(0, 3);
  return Y.encodeStateAsUpdate(doc);
};

/** The same message as a SyncReply, which a server sends to another. */
function asReply(name: string, frame: Uint8Array): Uint8Array {
  const reply = Uint8Array.from(frame);
  reply[addressBytes(name)] = FRAME.syncReply;
  return reply;
}

describe.each(READERS)("[A2 T45 T46] of a %s nothing is taken in:", (role) => {
  test.each([
    ["Update", SYNC.update, false],
    ["SyncStep2", SYNC.step2, false],
    ["Update in a SyncReply", SYNC.update, true],
    ["SyncStep2 in a SyncReply", SYNC.step2, true],
  ] as const)("%s", async (_kind, kind, isReply) => {
    const { name, writer, token, rows, rowsBefore } = await begin(role);
    const reader = await open(name, token);
    const updates = [edited(reader.document, "mine "), deleted(reader.document)];
    for (const update of updates) {
      const frame = syncFrame(name, kind, update);
      reader.sent += 1;
      reader.socket.send(isReply ? asReply(name, frame) : frame);
    }
    await reader.answered();
    expect(reader.refused).toBe(2);
    expect(reader.closed).toBeNull();
    // A frame of the writer's passes after them, and is all that came.
    writer.document.getText("diagram").insert(6, " after");
    await writer.answered();
    expect(await rows()).toBe(rowsBefore + 1);
    expect(writer.document.getText("diagram").toJSON()).toBe("before after");
  });

  test("what he wrote offline, by our client: it says rejected, and he reads on", async () => {
    const { documentId, writer, token, rows, rowsBefore } = await begin(role);
    const document = new Y.Doc();
    document.getText("diagram").insert(0, "offline ");
    const { url } = world.node;
    const collaboration = createCollaboration({ url, documentId, token, document });
    await until(() => collaboration.status === "rejected");
    expect(collaboration.rejection?.code).toBe("forbidden");
    await expect(collaboration.saved()).rejects.toThrow("refused");
    writer.document.getText("diagram").insert(6, " after");
    await writer.answered();
    await until(() => document.getText("diagram").toJSON().includes("before after"));
    // It is offered again, and refused again.
    collaboration.reconnect();
    await until(() => collaboration.status !== "rejected");
    await until(() => collaboration.status === "rejected");
    expect(await rows()).toBe(rowsBefore + 1);
    expect(writer.document.getText("diagram").toJSON()).toBe("before after");
    await collaboration.close();
  });

  test("what he types, and what he typed while he was away, by the stock provider", async () => {
    const { name, writer, token, rows, rowsBefore } = await begin(role);
    const provider = new HocuspocusProvider({ url: world.node.url, name, token });
    await until(() => provider.synced);
    expect(provider.authorizedScope).toBe("readonly");
    let refused = 0;
    provider.on("message", ({ event }: { event: MessageEvent<ArrayBuffer> }) => {
      const [type, applied] = new Uint8Array(event.data).subarray(addressBytes(name));
      if (type === FRAME.syncStatus && applied === 0) refused += 1;
    });
    provider.document.getText("diagram").insert(0, "typed ");
    await until(() => refused === 1);
    expect(provider.hasUnsyncedChanges).toBe(true);
    provider.configuration.websocketProvider.disconnect();
    await until(() => !provider.synced);
    provider.document.getText("diagram").insert(0, "offline ");
    await provider.configuration.websocketProvider.connect();
    // Twice: what it queued, and its answer to SyncStep1.
    await until(() => provider.synced && refused === 3);
    expect(await rows()).toBe(rowsBefore);
    expect(writer.document.getText("diagram").toJSON()).toBe("before");
    provider.destroy();
  });

  test("the discussion he may read, and write as little as anybody", async () => {
    const { documentId, token } = await begin(role);
    const reader = await open(`comments:${documentId}`, token);
    reader.send("update", edited(new Y.Doc(), "mine"));
    await reader.answered();
    expect([reader.refused, reader.closed]).toEqual([1, null]);
  });
});

test("[A3 T44] a viewer who becomes an editor writes with what he comes back to, by our client, at once", async () => {
  const { database, node } = world;
  const { documentId, writer, userId, token } = await begin("viewer");
  const collaboration = createCollaboration({ url: node.url, documentId, token });
  const text = collaboration.document.getText("diagram");
  await until(() => collaboration.status === "saved");
  const change = async (role: Role): Promise<void> => {
    const settle = await database.sql.begin(async (sql) => {
      await sql`update collaborators set role = ${role} where user_id = ${userId}`;
      return node.collaboration.rights.review(sql, [{ userId }]);
    });
    settle();
    await until(() => collaboration.status !== "saved");
    await until(() => collaboration.status === "saved");
  };
  await change("editor");
  text.insert(0, "now ");
  await collaboration.saved();
  await until(() => writer.document.getText("diagram").toJSON() === "now before");
  await change("viewer");
  text.insert(0, "never ");
  await until(() => collaboration.status === "rejected");
  expect(writer.document.getText("diagram").toJSON()).toBe("now before");
  await collaboration.close();
});
