import { createCommands } from "../../extensions/commands.ts";
import { createSuggestions } from "../../extensions/suggestions/suggestions.ts";
import { SCRIPT } from "../../persistence/activities.ts";
import { cutSuggestion } from "../../persistence/cut-suggestion.ts";
import type { Sql, SqlOrTransaction } from "../../persistence/database.ts";
import { readHunks } from "../../persistence/suggestions.ts";

/** A suggestion that waits, its first hunk and the diff that this is of. */
export type Suggested = {
  readonly suggestionId: string;
  readonly hunkId: string;
  readonly diffId: string;
};

/** What each of these agents proposes for a document, made in the test's transaction, as a command makes it. */
export async function suggestBy(
  tx: SqlOrTransaction,
  agentIds: readonly string[],
  { documentId, userId, markdown }: { documentId: string; userId: string; markdown: string },
): Promise<Suggested[]> {
  const nobody = { committed: () => {} };
  // A command that is performed in the caller's transaction opens none of its own.
  const commands = createCommands({ sql: tx as Sql, live: nobody, upkeep: nobody });
  const thread = { hunks: () => Promise.reject(new Error("nothing is decided here")) };
  const doors = { commands, thread, ring: () => {}, changed: () => {} };
  const suggestions = createSuggestions(doors);
  const wants = { whole: { form: "markdown", text: markdown } } as const;
  const cut = await cutSuggestion(tx, { documentId, baseSeq: null, wants });
  const notes = { explanations: [], contextSummary: null, promptedBy: null, conversationId: null };
  const made: Suggested[] = [];
  for (const agentId of agentIds) {
    const scope = { tx, afterCommit: () => {}, author: { userId, agentId }, by: SCRIPT };
    const suggestionId = await suggestions.propose(scope, documentId, cut, notes);
    const [hunk] = await readHunks(tx, [suggestionId]);
    made.push({ suggestionId, hunkId: hunk?.id ?? "", diffId: hunk?.diffId ?? "" });
  }
  return made;
}
