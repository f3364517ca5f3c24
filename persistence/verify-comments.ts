import * as Y from "yjs";
import { readDiscussion } from "../schema/discussion.ts";
import {
  commentsIn,
  differingComments,
  rewriteComments,
  type CommentDifference,
} from "./comment-rows.ts";
import { lockHead } from "./content-state.ts";
import type { Sql, SqlOrTransaction } from "./database.ts";
import { loadToWrite } from "./load-committed.ts";
import type { Head, Problem } from "./verify-log.ts";

/** Named before the list ends; all of them are put right. */
const MAX_NAMED = 20;

/** The rows of `comments` say what the discussion says: both are written in one transaction. */
export async function checkComments(
  tx: SqlOrTransaction,
  { documentId, headSeq }: Head,
  doc: Y.Doc,
): Promise<Problem[]> {
  const comments = commentsIn(readDiscussion(doc));
  const differences = await differingComments(tx, documentId, comments);
  const named = differences.slice(0, MAX_NAMED).map(describe);
  const more = differences.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more rows differ`] : [])].map((reason) => ({
    check: "comments",
    seq: headSeq,
    reason,
  }));
}

function describe({ id, what, columns }: CommentDifference): string {
  if (what === "missing") return `comment ${id} has no row`;
  if (what === "surplus") return `comment ${id} has a row, but is not in the discussion`;
  return `comment ${id}: ${columns.join(", ")} of its row are not what the discussion says`;
}

/**
 * Makes the rows of a discussion from Yjs anew; answers how many were wrong. The discussion is locked meanwhile, so no
 * command gets between.
 * @throws ScriptoriumError `document_not_found`, for a deleted document too; `document_quarantined`.
 */
export const rebuildComments = (sql: Sql, documentId: string): Promise<number> =>
  sql.begin(async (tx) => {
    const address = { documentId, part: "comments" } as const;
    await lockHead(tx, address);
    const doc = new Y.Doc({ gc: true });
    try {
      await loadToWrite(tx, address, doc);
      const comments = commentsIn(readDiscussion(doc));
      const differences = await differingComments(tx, documentId, comments);
      if (differences.length > 0) await rewriteComments(tx, documentId, comments);
      return differences.length;
    } finally {
      doc.destroy();
    }
  });
