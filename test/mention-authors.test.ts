import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { appendUpdates } from "../persistence/append-updates.ts";
import { projectDocument } from "../persistence/projection.ts";
import { mentionElement } from "./support/large-document.ts";
import { signedIn } from "./support/roles.ts";
import { useTenant } from "./support/tenant.ts";

const { database, tenant } = await useTenant();
const { sql } = database;
const [ann, bob, cyn] = await Promise.all([
  signedIn(sql, tenant, { member: "member" }),
  signedIn(sql, tenant, { member: "member" }),
  signedIn(sql, tenant, { member: "member" }),
]);

/** A document that several people write in, each with a Yjs client of his own. */
async function sharedText() {
  const { documentId } = await tenant.document();
  const log: Uint8Array[] = [];
  const copies = new Map<string, Y.Doc>();
  /** `userId` mentions Ann in a new paragraph at this place, and it is committed. */
  const mentionAnn = async (userId: string, at: number): Promise<void> => {
    const isNew = !copies.has(userId);
    const doc = copies.get(userId) ?? new Y.Doc();
    copies.set(userId, doc);
    for (const update of log) Y.applyUpdate(doc, update);
    const before = Y.encodeStateVector(doc);
    const paragraph = new Y.XmlElement("paragraph");
    paragraph.insert(0, [mentionElement("user", ann.userId)]);
    doc.getXmlFragment("default").insert(at, [paragraph]);
    const update = Y.encodeStateAsUpdate(doc, before);
    log.push(update);
    const newClients = isNew ? [doc.clientID] : [];
    const rows = [{ update, author: { userId, agentId: null }, newClients }];
    const address = { documentId, part: "content" } as const;
    await appendUpdates(sql, [{ ...address, batchId: randomUUID(), knownHeadSeq: 0, rows }]);
  };
  /** Who is said to have mentioned Ann, in the order in which she was told. */
  const toldBy = async (): Promise<string[]> => {
    await projectDocument(sql, documentId);
    const rows = await sql<{ by: string }[]>`
      select metadata ->> 'byUserId' as by from notifications
      where user_id = ${ann.userId} and entity_id = ${documentId} order by position`;
    return rows.map(({ by }) => by);
  };
  return { mentionAnn, toldBy };
}

test("[P1] a mention before one that was there is told of as its author's", async () => {
  const { mentionAnn, toldBy } = await sharedText();
  await mentionAnn(bob.userId, 0);
  expect(await toldBy()).toEqual([bob.userId]);
  await mentionAnn(cyn.userId, 0);
  expect(await toldBy()).toEqual([bob.userId, cyn.userId]);
});

test("[P1] who has mentioned herself is told of another's mention before hers, and of none of her own", async () => {
  const { mentionAnn, toldBy } = await sharedText();
  await mentionAnn(ann.userId, 0);
  expect(await toldBy()).toEqual([]);
  await mentionAnn(bob.userId, 0);
  expect(await toldBy()).toEqual([bob.userId]);
  // By a client of hers that is known from before.
  await mentionAnn(ann.userId, 0);
  expect(await toldBy()).toEqual([bob.userId]);
});
