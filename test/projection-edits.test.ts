import { expect, test } from "vitest";
import * as Y from "yjs";
import { compactDocument } from "../persistence/compaction.ts";
import { closeQuietBursts } from "../persistence/edit-bursts.ts";
import { projectDocument } from "../persistence/projection.ts";
import { parseMarkdown } from "../schema/content.ts";
import { contentToYUpdate } from "../schema/yjs-content.ts";
import { appendRows } from "./support/log-rows.ts";
import { startTestNode } from "./support/node.ts";
import { useTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { openWire } from "./support/wire-client.ts";

const { database, tenant } = await useTenant();
const { sql } = database;

const ALICE = { userId: "00000000-0000-4000-8000-00000000000a", agentId: null };
const ROBOT = { userId: ALICE.userId, agentId: "00000000-0000-4000-8000-00000000000b" };

/** A document of three paragraphs whose first content nobody is counted for, and a copy to edit it. */
async function threeBlocks() {
  const { documentId } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  const doc = new Y.Doc();
  Y.applyUpdate(doc, contentToYUpdate(parseMarkdown("One.\n\nTwo.\n\nThree.\n")));
  await appendRows(sql, address, [Y.encodeStateAsUpdate(doc)]);
  await sql`update yjs_documents set projected_seq = 1 where document_id = ${documentId} and part = 'content'`;
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  const fragment = doc.getXmlFragment("default");
  const block = (index: number) => fragment.get(index) as Y.XmlElement;
  return {
    address,
    fragment,
    text: (index: number) => block(index).get(0) as Y.XmlText,
    id: (index: number) => String(block(index).getAttribute("id")),
    commit: (author: Parameters<typeof appendRows>[3]) =>
      appendRows(sql, address, updates.splice(0), author),
  };
}

const bursts = (documentId: string) =>
  sql`
    select user_id as "userId", agent_id as "agentId", first_seq::int as "firstSeq", last_seq::int as "lastSeq", added,
           removed, sections
    from edit_bursts where document_id = ${documentId} order by agent_id nulls first`.then((rows) =>
    rows.map((row) => ({ ...row })),
  );

type Edited = {
  actorType: string;
  actorId: string;
  projectId: string;
  metadata: { added: number };
};

const edited = (documentId: string): Promise<Edited[]> =>
  sql<Edited[]>`
    select actor_type as "actorType", actor_id as "actorId", project_id as "projectId", metadata from activities
    where entity_id = ${documentId} and action = 'edited' order by position`;

test("[P1] edits gather per author: how much was added and removed, and in which blocks", async () => {
  const { address, text, id, commit, fragment } = await threeBlocks();
  const { documentId } = address;
  const [first, third] = [id(0), id(2)];
  text(0).insert(0, "Hello ");
  await commit(ALICE);
  text(2).delete(0, 3);
  text(2).insert(0, "Fr");
  await commit(ROBOT);
  await projectDocument(sql, documentId);
  const alice = { ...ALICE, firstSeq: 2, lastSeq: 2, added: 6, removed: 0, sections: [first] };
  const robot = { ...ROBOT, firstSeq: 3, lastSeq: 4, added: 2, removed: 3, sections: [third] };
  expect(await bursts(documentId)).toEqual([alice, robot]);
  // The second block goes: it has no id any more that anybody could follow.
  fragment.delete(1, 1);
  text(1).insert(0, "A ");
  await commit(ALICE);
  await projectDocument(sql, documentId);
  const [more] = await bursts(documentId);
  expect(more).toMatchObject({ firstSeq: 2, lastSeq: 6, added: 8, sections: [first, third] });
  // "Two." and what held it.
  expect(more?.["removed"]).toBeGreaterThanOrEqual(4);
  expect(more?.["removed"]).toBeLessThan(8);
});

test("[P1] rows that compaction has moved to the history are counted once, and so are those of many projections", async () => {
  const { address, text, commit } = await threeBlocks();
  const { documentId } = address;
  for (let round = 0; round < 10; round += 1) {
    text(0).insert(0, "abc");
    await commit(ALICE);
    if (round % 3 === 0) await compactDocument(sql, address, { versions: { minIntervalMs: 0 } });
    const projections = Array.from({ length: round % 2 }, () => projectDocument(sql, documentId));
    await Promise.all([...projections, ...projections]);
  }
  await Promise.all([projectDocument(sql, documentId), projectDocument(sql, documentId)]);
  expect(await bursts(documentId)).toMatchObject([{ firstSeq: 2, lastSeq: 11, added: 30 }]);
});

test("[P1] a burst becomes one activity, once, however many look for it at once", async () => {
  const { address, text, id, commit } = await threeBlocks();
  const { documentId } = address;
  text(1).insert(0, "a secret word ");
  await commit(ROBOT);
  await projectDocument(sql, documentId);
  expect((await closeQuietBursts(sql, 60_000)).nextInMs).toBeGreaterThan(0);
  expect(await edited(documentId)).toEqual([]);
  await Promise.all(Array.from({ length: 8 }, () => closeQuietBursts(sql, 0)));
  const [activity, ...others] = await edited(documentId);
  expect(others).toEqual([]);
  expect(activity).toEqual({
    actorType: "agent",
    actorId: ROBOT.agentId,
    projectId: tenant.projectId,
    metadata: {
      userId: ROBOT.userId,
      added: 14,
      removed: 0,
      sections: [id(1)],
      firstSeq: 2,
      lastSeq: 2,
      beganAt: expect.any(String),
      endedAt: expect.any(String),
    },
  });
  expect(JSON.stringify(activity)).not.toContain("secret");
  expect(await bursts(documentId)).toEqual([]);
});

test("[P1] what is typed on a server is one activity when its author falls quiet", async () => {
  const node = await startTestNode(database, {
    PROJECT_AFTER_MS: "20",
    PROJECT_AT_LATEST_MS: "50",
    EDIT_BURST_MS: "600",
  });
  const { documentId, name } = await tenant.document();
  const client = await openWire({ url: node.url, name, token: tenant.token });
  for (let count = 0; count < 20; count += 1) {
    client.document.getText("diagram").insert(0, "ab");
    await client.answered();
  }
  await until(async () => (await edited(documentId)).length > 0);
  expect(await edited(documentId)).toMatchObject([
    { actorType: "user", actorId: tenant.userId, metadata: { added: 40, removed: 0 } },
  ]);
  await client.close();
  await until(() => node.collaboration.documents.getDocumentsCount() === 0);
  await node.close();
});

test("[P1] the words of a document are there for the search, in pieces of which only the changed are written", async () => {
  const words = Array.from({ length: 60_000 }, (_, index) => `word${index}`);
  const lines = Array.from({ length: 600 }, (_, index) =>
    words.slice(index * 100, (index + 1) * 100).join(" "),
  );
  const doc = new Y.Doc();
  Y.applyUpdate(doc, contentToYUpdate(parseMarkdown(lines.join("\n\n"))));
  const { documentId } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  await appendRows(sql, address, [Y.encodeStateAsUpdate(doc)]);
  await projectDocument(sql, documentId);
  type Piece = { piece: number; version: string; words: string };
  const stored = (): Promise<Piece[]> => sql<Piece[]>`
    select piece, xmin::text as version, words from document_words where document_id = ${documentId} order by piece`;
  const before = await stored();
  expect(before.length).toBeGreaterThan(2);
  expect(before.map((piece) => piece.words).join("\n")).toBe(lines.join("\n"));
  const sizes = await sql`
    select word_count::int as words, length(content_text) - 599 = character_count as "isExact"
    from documents where id = ${documentId}`;
  expect({ ...sizes[0] }).toEqual({ words: 60_000, isExact: true });
  const last = doc.getXmlFragment("default").get(599) as Y.XmlElement;
  const update = Y.encodeStateVector(doc);
  (last.get(0) as Y.XmlText).insert(0, "needle ");
  await appendRows(sql, address, [Y.encodeStateAsUpdate(doc, update)]);
  await projectDocument(sql, documentId);
  const after = await stored();
  expect(after.slice(0, -1)).toEqual(before.slice(0, -1));
  const found = await sql`
    select piece from document_words where document_id = ${documentId} and search @@ to_tsquery('english', 'needle')`;
  expect(found.map(({ piece }) => piece as number)).toEqual([before.length - 1]);
});

test("[P1] words that fill a tsvector as far as they can are still projected", async () => {
  // Every word another, of letters of three bytes each, as short as 60,000 different ones can be.
  const letter = (index: number): string => String.fromCharCode(0x4e00 + index);
  const words = Array.from(
    { length: 66_000 },
    (_, index) => letter(index % 300) + letter(Math.floor(index / 300)),
  );
  const { documentId } = await tenant.document({
    content: {
      type: "doc",
      content: [{ type: "paragraph", content: [{ type: "text", text: words.join(" ") }] }],
    },
  });
  expect((await projectDocument(sql, documentId)).outcome).toBe("projected");
});
