import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { loadDocument } from "../persistence/load-document.ts";
import { parseDocumentName, type DocumentName } from "../schema/ids.ts";
import { connectFake, type FakePeer } from "./support/fake-transport.ts";
import { watchCopies } from "./support/live-copies.ts";
import { startTestNode } from "./support/node.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";
import { useTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

const { database, tenant } = await useTenant();
const random = createRandom();

/** Clients that come and go at the same time, and documents they share. */
const CLIENTS = 8;
const DOCUMENTS = 3;

/** One document takes so many visits: every visitor is a Yjs client of its own, and a state of thousands loads slowly. */
const VISITS_PER_DOCUMENT = 150;

const oneCharacter = (): Uint8Array => {
  const doc = new Y.Doc();
  doc.getText("diagram").insert(0, "x");
  const update = Y.encodeStateAsUpdate(doc);
  doc.destroy();
  return update;
};

/** What a visitor does before he goes: nothing, not even wait; read; write and wait; write and run. */
async function visit(peer: FakePeer): Promise<{ sent: number; accepted: number }> {
  peer.signIn();
  const kind = random();
  if (kind < 0.2) await delay(random() * 4);
  else await until(() => peer.synced || peer.closed !== null);
  const writes = kind >= 0.4 && peer.closed === null;
  if (writes) peer.update(oneCharacter());
  if (kind >= 0.7) await until(() => peer.accepted + peer.refused > 0 || peer.closed !== null);
  // The goodbye frame and the lost connection take different ways out.
  if (random() < 0.5) peer.leave();
  peer.lose();
  return { sent: writes ? 1 : 0, accepted: peer.accepted };
}

test("[L1 L3 T13] a document that is left and opened all the time has one live copy, and loses nothing", async () => {
  const visits = sized(1500, 100_000);
  const node = await startTestNode(database);
  const watch = watchCopies(node.collaboration, random);
  const counts = new Map<DocumentName, { sent: number; accepted: number }>();
  let shared: DocumentName[] = [];
  let visited = 0;
  const renew = async (): Promise<void> => {
    const made = await Promise.all(Array.from({ length: DOCUMENTS }, () => tenant.document()));
    shared = made.map(({ name }) => name);
    for (const name of shared) counts.set(name, { sent: 0, accepted: 0 });
  };
  const visitor = async (): Promise<void> => {
    while (visited < visits && watch.violations.length === 0) {
      visited += 1;
      if (visited % (VISITS_PER_DOCUMENT * DOCUMENTS) === 0) await renew();
      const name = shared[Math.floor(random() * shared.length)] as DocumentName;
      const { sent, accepted } = await visit(
        connectFake(node.collaboration, { name, token: tenant.token }),
      );
      const count = counts.get(name) ?? { sent: 0, accepted: 0 };
      counts.set(name, { sent: count.sent + sent, accepted: count.accepted + accepted });
      watch.check();
      if (random() < 0.3) await delay(random() * 5);
    }
  };
  await renew();
  await Promise.all(Array.from({ length: CLIENTS }, visitor));
  const { documents } = node.collaboration;
  expect(watch.violations).toEqual([]);
  await until(() => watch.leftover().length === 0, { describe: "every copy is let go" });
  const { loadingDocuments, unloadingDocuments } = documents;
  await until(
    () => loadingDocuments.size + documents.getDocumentsCount() + unloadingDocuments.size === 0,
  );
  await until(() => node.updateLog.openDocuments === 0);
  await node.close();
  // Every hook was met, and documents were loaded far more often than there are documents.
  expect(Object.keys(watch.delays)).toContain("afterUnloadDocument");
  expect(watch.delays["onLoadDocument"]).toBeGreaterThan(2 * counts.size * 4);
  for (const [name, { sent, accepted }] of counts) {
    const doc = new Y.Doc();
    await loadDocument(database.sql, parseDocumentName(name), doc);
    const { length } = doc.getText("diagram");
    expect(length).toBeGreaterThanOrEqual(accepted);
    expect(length).toBeLessThanOrEqual(sent);
  }
});

test("[T13] a copy whose loading failed is let go", async () => {
  const node = await startTestNode(database);
  const watch = watchCopies(node.collaboration, random);
  const { documentId, name } = await tenant.document();
  await database.sql`
    alter table yjs_updates rename column update_data to moved_away`;
  const peers = Array.from({ length: 5 }, () =>
    connectFake(node.collaboration, { name, token: tenant.token }),
  );
  for (const peer of peers) {
    peer.signIn();
    await until(() => peer.closed !== null);
  }
  await database.sql`alter table yjs_updates rename column moved_away to update_data`;
  expect(peers.map(({ closed }) => closed?.code)).toEqual(peers.map(() => 4503));
  // Each holds a timer of its presence for ever, unless it is destroyed.
  expect(watch.leftover().length).toBe(0);
  const again = connectFake(node.collaboration, { name, token: tenant.token });
  again.signIn();
  await until(() => again.synced, { describe: `document ${documentId} opens again` });
  again.lose();
  await until(() => node.collaboration.documents.getDocumentsCount() === 0);
  await node.close();
});

test("[T13] a document whose last commit arrives while its unloading gives up is unloaded all the same", async () => {
  const node = await startTestNode(database);
  const { documents } = node.collaboration;
  const { name } = await tenant.document();
  const peer = connectFake(node.collaboration, { name, token: tenant.token });
  peer.signIn();
  await until(() => peer.synced);
  // Not yet committed when it is asked; committed when the answer is acted on. Nobody will come by again.
  const mayGo = documents.shouldUnloadDocument.bind(documents);
  let asked = 0;
  documents.shouldUnloadDocument = (document) => {
    asked += 1;
    return asked > 1 && mayGo(document);
  };
  peer.lose();
  await until(() => documents.getDocumentsCount() === 0);
  expect(asked).toBeGreaterThan(1);
  await node.close();
});
