import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { appendUpdates } from "../persistence/append-updates.ts";
import { compactDocument } from "../persistence/compaction.ts";
import type { Sql } from "../persistence/database.ts";
import { projectDocument } from "../persistence/projection.ts";
import { verifyDocument } from "../persistence/verify.ts";
import { askAdmin, runAdmin } from "./support/admin-process.ts";
import { useTenant } from "./support/tenant.ts";

const { database, tenant } = await useTenant();

/** Eleven rows: 1–4 and 5–7 in two chunks of history, the snapshot at 7, a log to 11, projected, two versions. */
async function makeDocument(): Promise<string> {
  const { documentId } = await tenant.document();
  const { sql } = database;
  const address = { documentId, part: "content" as const };
  const doc = new Y.Doc();
  let head = 0;
  const write = async (rows: number): Promise<void> => {
    for (let row = 0; row < rows; row += 1) {
      const before = Y.encodeStateVector(doc);
      const paragraph = new Y.XmlElement("paragraph");
      paragraph.insert(0, [new Y.XmlText(`paragraph ${head}`)]);
      doc.getXmlFragment("default").push([paragraph]);
      const update = Y.encodeStateAsUpdate(doc, before);
      const author = { userId: tenant.userId, agentId: null };
      const rowOfLog = { update, author, newClients: head === 0 ? [doc.clientID] : [] };
      const batch = { ...address, batchId: randomUUID(), knownHeadSeq: head, rows: [rowOfLog] };
      await appendUpdates(sql, [batch]);
      head += 1;
    }
  };
  for (const rows of [4, 3]) {
    await write(rows);
    await compactDocument(sql, address, { versions: { minIntervalMs: 0 } });
  }
  await write(4);
  await projectDocument(sql, documentId);
  return documentId;
}

test("[L4 C2 P1] a sound document has no problem", async () => {
  const documentId = await makeDocument();
  const verified = await verifyDocument(database.sql, documentId);
  expect(verified).toEqual({
    documentId,
    problems: [],
    behind: false,
    historyChunks: 2,
    versions: 2,
  });
});

type Damage = (sql: Sql, id: string) => Promise<unknown>;

const DAMAGES: [string, Damage, { check: string; seq: number | null; reason: RegExp }][] = [
  [
    "a deleted row",
    (sql, id) => sql`delete from yjs_updates where document_id = ${id} and seq = 9`,
    { check: "log", seq: 9, reason: /the row is missing/u },
  ],
  [
    "deleted rows at the end",
    (sql, id) => sql`delete from yjs_updates where document_id = ${id} and seq >= 10`,
    { check: "log", seq: 10, reason: /up to seq 11 are missing/u },
  ],
  [
    "a corrupted row",
    (sql, id) => sql`
      update yjs_updates set update_data = '\\xffffffffff' where document_id = ${id} and seq = 10`,
    { check: "load", seq: 10, reason: /./u },
  ],
  [
    "a row that was replaced by a copy of another, so that the next one waits for it",
    (sql, id) => sql`
      update yjs_updates u set update_data = o.update_data from yjs_updates o
      where u.document_id = ${id} and u.seq = 9 and o.document_id = ${id} and o.seq = 8`,
    { check: "load", seq: 10, reason: /waits for one that is missing/u },
  ],
  [
    "a corrupted snapshot",
    (sql, id) => sql`
      update yjs_documents set state = '\\x0102' where document_id = ${id} and part = 'content'`,
    { check: "load", seq: 7, reason: /./u },
  ],
  [
    "a row the compaction should have taken",
    (sql, id) => sql`
      insert into yjs_updates (document_id, seq, update_data, batch_id)
      values (${id}, 3, '\\x0000', gen_random_uuid())`,
    { check: "log", seq: 3, reason: /was left/u },
  ],
  [
    "another state vector",
    (sql, id) => sql`
      update yjs_documents set state_vector = '\\x00' where document_id = ${id} and part = 'content'`,
    { check: "state_vector", seq: 7, reason: /not that of the snapshot/u },
  ],
  [
    "a client without an author",
    (sql, id) => sql`delete from yjs_clients where document_id = ${id}`,
    { check: "clients", seq: null, reason: /Yjs client \d+/u },
  ],
  [
    "a mark that outlived its reason",
    (sql, id) => sql`
      update yjs_documents set quarantined_seq = 5 where document_id = ${id} and part = 'content'`,
    { check: "quarantine", seq: 5, reason: /loads whole/u },
  ],
  [
    "a wrong projection",
    (sql, id) => sql`
      update documents set content = jsonb_set(content, '{content,2,content,0,text}', '"other"') where id = ${id}`,
    { check: "projection", seq: 11, reason: /first at doc\.content\[2\]\.content\[0\]\.text/u },
  ],
  [
    "a wrong text",
    (sql, id) => sql`update documents set content_text = 'other' where id = ${id}`,
    { check: "projection", seq: 11, reason: /content_text/u },
  ],
  [
    "a corrupt chunk of history",
    (sql, id) => sql`
      update yjs_history set updates = '\\x010203' where document_id = ${id} and first_seq = 5`,
    { check: "history", seq: 5, reason: /cannot be read/u },
  ],
  [
    "a chunk in the place of another",
    (sql, id) => sql`
      update yjs_history h set updates = o.updates from yjs_history o
      where h.document_id = ${id} and h.first_seq = 5 and o.document_id = ${id} and o.first_seq = 1`,
    { check: "history", seq: 5, reason: /other rows than seq 5 to 7/u },
  ],
  [
    "the newest chunk of history missing",
    (sql, id) => sql`delete from yjs_history where document_id = ${id} and first_seq = 5`,
    { check: "history", seq: 4, reason: /ends at seq 4, the snapshot at seq 7/u },
  ],
  [
    "a version with other content",
    (sql, id) => sql`
      update document_versions set content = '{"type":"doc"}' where document_id = ${id} and version_number = 2`,
    { check: "versions", seq: 7, reason: /version 2 gives other content/u },
  ],
  [
    "a version that cannot be read",
    (sql, id) => sql`
      update document_versions set state = '\\x00' where document_id = ${id} and version_number = 1`,
    { check: "versions", seq: 4, reason: /version 1 cannot be read/u },
  ],
];

test.each(DAMAGES)("[L4 C3 P1] verify finds %s", async (_what, damage, { reason, ...place }) => {
  const documentId = await makeDocument();
  await damage(database.sql, documentId);
  const { problems } = await verifyDocument(database.sql, documentId);
  expect(problems).toMatchObject([{ part: "content", ...place }]);
  expect(problems[0]?.reason).toMatch(reason);
});

test("history whose retention has ended, and columns that are behind, are no problem", async () => {
  const documentId = await makeDocument();
  const { sql } = database;
  await sql`delete from yjs_history where document_id = ${documentId} and first_seq = 1`;
  await sql`update yjs_documents set projected_seq = 9 where document_id = ${documentId} and part = 'content'`;
  const verified = await verifyDocument(sql, documentId);
  expect(verified).toMatchObject({ problems: [], behind: true, historyChunks: 1 });
});

test("admin verify names the document, the seq and the reason, and ends with 1", async () => {
  const documentId = await makeDocument();
  await database.sql`delete from yjs_updates where document_id = ${documentId} and seq = 9`;
  const args = ["verify", "--document", documentId];
  const { code, stdout } = await runAdmin(args, { env: database.env });
  expect(stdout).toContain(`document:${documentId}  seq 9  log: the row is missing`);
  expect(code).toBe(1);
  const json = await askAdmin(args, { env: database.env, code: 1 });
  expect(json).toMatchObject({ ok: false, documents: 1, problems: [{ seq: 9, check: "log" }] });
});
