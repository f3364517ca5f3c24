import { propose } from "../../extensions/suggestions/propose.ts";
import { SCRIPT } from "../../persistence/activities.ts";
import { cutSuggestion } from "../../persistence/cut-suggestion.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
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
  const doors = { ring: () => {}, changed: () => {} };
  const wants = { whole: { form: "markdown", text: markdown } } as const;
  const cut = await cutSuggestion(tx, { documentId, baseSeq: null, wants });
  const notes = { explanations: [], contextSummary: null, promptedBy: null, conversationId: null };
  const made: Suggested[] = [];
  for (const agentId of agentIds) {
    const scope = { tx, afterCommit: () => {}, author: { userId, agentId }, by: SCRIPT };
    const suggestionId = await propose(doors, scope, { documentId, cut, notes });
    const [hunk] = await readHunks(tx, [suggestionId]);
    made.push({ suggestionId, hunkId: hunk?.id ?? "", diffId: hunk?.diffId ?? "" });
  }
  return made;
}
