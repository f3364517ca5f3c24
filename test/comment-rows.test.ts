import { expect, test } from "vitest";
import type { Sql } from "../persistence/database.ts";
import { verifyDocument } from "../persistence/verify.ts";
import { runAdmin } from "./support/admin-process.ts";
import { beginThread } from "./support/threads.ts";
import { useTenant } from "./support/tenant.ts";

const { database, tenant } = await useTenant();
const { sql } = database;

type Ids = Readonly<{ documentId: string; threadId: string; commentId: string }>;

async function newThread(): Promise<Ids> {
  const { documentId } = await tenant.document();
  const { userId } = tenant;
  return { documentId, ...(await sql.begin((tx) => beginThread(tx, { documentId, userId }))) };
}

const reasons = async ({ documentId }: Ids): Promise<string[]> =>
  (await verifyDocument(sql, documentId)).problems.map(({ reason }) => reason);

const DAMAGES: [string, (sql: Sql, ids: Ids) => Promise<unknown>, RegExp][] = [
  [
    "a row that is missing",
    (tx, { commentId }) => tx`delete from comments where id = ${commentId}`,
    /^comment \S+ has no row$/u,
  ],
  [
    "a row that nobody wrote",
    (tx, { documentId, threadId }) => tx`
      insert into comments (project_id, parent_type, parent_id, thread_id, content)
      values (${tenant.projectId}, 'document', ${documentId}, ${threadId}, '{}')`,
    /^comment \S+ has a row, but is not in the discussion$/u,
  ],
  [
    "other words and another state",
    (tx, { threadId }) => tx`
      update comments set content = '{"type":"doc"}', resolved = true where id = ${threadId}`,
    /^comment \S+: content, resolved of its row are not what the discussion says$/u,
  ],
];

test.each(DAMAGES)(
  "%s is named by verify, and put right by --rebuild --yes",
  // The script is started twice.
  { timeout: 120_000 },
  async (_, damage, reason) => {
    const ids = await newThread();
    expect(await reasons(ids)).toEqual([]);
    const before =
      await sql`select * from comments where parent_id = ${ids.documentId} order by id`;
    await damage(sql, ids);
    expect(await reasons(ids)).toEqual([expect.stringMatching(reason)]);
    const command = ["verify", "--document", ids.documentId, "--rebuild"];
    const asked = await runAdmin(command, { env: database.env });
    expect(asked.code).toBe(1);
    expect(asked.stdout).toContain("With --yes it is done");
    expect(await reasons(ids)).toHaveLength(1);
    const done = await runAdmin([...command, "--yes"], { env: database.env });
    expect([done.code, done.stdout]).toEqual([
      0,
      expect.stringContaining("1 row of comments made"),
    ]);
    expect(await reasons(ids)).toEqual([]);
    const after = await sql`select * from comments where parent_id = ${ids.documentId} order by id`;
    const plain = (rows: readonly object[]) => rows.map((row) => ({ ...row, updated_at: null }));
    expect(plain(after)).toEqual(plain(before));
  },
);

test("an author who is gone is no difference: his id stays in the discussion, and is null in the row", async () => {
  const ids = await newThread();
  await sql`update comments set created_by = null where id = ${ids.commentId}`;
  expect(await reasons(ids)).toEqual([expect.stringContaining("created_by")]);
  await sql`delete from users where id = ${tenant.userId}`;
  expect(await reasons(ids)).toEqual([]);
});
