import { expect, test } from "vitest";
import * as Y from "yjs";
import { projectDocument } from "../persistence/projection.ts";
import { anchorByQuote } from "../schema/anchor.ts";
import { parseMarkdown } from "../schema/content.ts";
import { appendRows, replayRows } from "./support/log-rows.ts";
import { useTenant } from "./support/tenant.ts";

const { database, tenant } = await useTenant();
const { sql } = database;

/** A document, and a thread on each of these quotes. */
async function discussed(quotes: readonly string[]) {
  const content = parseMarkdown("A quick brown fox.\n\nA lazy dog sleeps.\n");
  const { documentId } = await tenant.document({ content });
  const address = { documentId, part: "content" } as const;
  const doc = await replayRows(sql, address);
  for (const quote of quotes) {
    const found = anchorByQuote(doc, { quote });
    if (!("anchor" in found)) throw new Error(`"${quote}" was not found`);
    await sql`
      insert into comments (project_id, parent_type, parent_id, content, anchor_data)
      values (${tenant.projectId}, 'document', ${documentId}, '{}', ${sql.json({ ...found.anchor })})`;
  }
  const edit = async (change: (doc: Y.Doc) => void): Promise<void> => {
    const before = Y.encodeStateVector(doc);
    doc.transact(() => change(doc));
    await appendRows(sql, address, [Y.encodeStateAsUpdate(doc, before)]);
    await projectDocument(sql, documentId);
  };
  const threads = async (): Promise<{ detached: boolean; version: string }[]> =>
    sql<{ detached: boolean; version: string }[]>`
      select detached, xmin::text as version from comments where parent_id = ${documentId}
      order by created_at, id`.then((rows) => rows.map((row) => ({ ...row })));
  return { edit, threads };
}

test("[P1] a thread whose words go is detached, and one whose words come back is not; the others are not written", async () => {
  const { edit, threads } = await discussed(["quick brown", "lazy dog"]);
  const [, other] = await threads();
  const text = (doc: Y.Doc, index: number): Y.XmlText =>
    (doc.getXmlFragment("default").get(index) as Y.XmlElement).get(0) as Y.XmlText;
  await edit((doc) => text(doc, 1).insert(0, "Well, "));
  expect((await threads()).map(({ detached }) => detached)).toEqual([false, false]);
  await edit((doc) => text(doc, 0).delete(0, 18));
  const [gone, kept] = await threads();
  expect(gone?.detached).toBe(true);
  expect(kept).toEqual(other);
  await edit((doc) => text(doc, 0).insert(0, "A quick brown fox."));
  expect((await threads()).map(({ detached }) => detached)).toEqual([false, false]);
});
