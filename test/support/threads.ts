import { createCommands } from "../../extensions/commands.ts";
import { createDiscussions } from "../../extensions/discussions/discussions.ts";
import { SCRIPT } from "../../persistence/activities.ts";
import type { Sql, SqlOrTransaction } from "../../persistence/database.ts";

/** A thread and a reply in it, made in the test's transaction, as a command makes them. */
export async function beginThread(
  tx: SqlOrTransaction,
  { documentId, userId }: { documentId: string; userId: string },
): Promise<{ threadId: string; commentId: string }> {
  const nobody = { committed: () => {} };
  // A command that is performed in the caller's transaction opens none of its own.
  const commands = createCommands({ sql: tx as Sql, live: nobody, upkeep: nobody });
  const discussions = createDiscussions({ commands, ring: () => {} });
  const author = { userId, agentId: null };
  const scope = { tx, afterCommit: () => {}, author, by: SCRIPT, mayManage: false };
  const content = (text: string) => ({
    type: "doc",
    content: [{ type: "paragraph", content: [{ type: "text", text }] }],
  });
  const thread = { documentId, content: content("Why?"), anchor: null };
  const { threadId } = await discussions.createThread(scope, thread);
  const reply = { documentId, threadId, content: content("Because") };
  return { threadId, ...(await discussions.reply(scope, reply)) };
}
