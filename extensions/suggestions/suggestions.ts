import type { Actor } from "../../persistence/activities.ts";
import type { Author } from "../../persistence/append-updates.ts";
import type { AppliedHunks, NamedHunk } from "../../persistence/apply-hunks.ts";
import { lockHead } from "../../persistence/content-state.ts";
import type { CutSuggestion } from "../../persistence/cut-suggestion.ts";
import { type HunkVerdict, lockSuggestion, writeDecision } from "../../persistence/decide-hunks.ts";
import { readDocument } from "../../persistence/read-document.ts";
import {
  readSuggestion,
  readWholeHunks,
  type WholeHunkRow,
} from "../../persistence/suggestions.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";
import { assertNever, ScriptoriumError } from "../../schema/errors.ts";
import type { InboxKey } from "../../schema/inbox-key.ts";
import type { CommandScope, Commands } from "../commands.ts";
import { createTurns, type Turns } from "../turns.ts";
import { propose, type SuggestionNotes } from "./propose.ts";
import { tellOfDecision } from "./telling.ts";

/** Who acts, and in which transaction. */
export type Suggester = CommandScope & {
  readonly author: Author;
  /** The same for the feeds. */
  readonly by: Actor;
};

type OfSuggestion = { readonly documentId: string; readonly suggestionId: string };

/** Which hunks: all that wait, or those of these diffs and these hunks. `onlyClean`: no rebased ones. */
export type Chosen = {
  readonly diffIds: readonly string[];
  readonly hunkIds: readonly string[];
  readonly onlyClean: boolean;
};

/** What is decided. */
export type Verdict = OfSuggestion & {
  readonly chosen: Chosen;
  readonly reason: string | null;
  /** Markdown instead of what a hunk proposes, by its id. */
  readonly instead: Readonly<Record<string, string>>;
};

/** What came of it. `seq`: where in the log; null: the text is as it was. */
export type Decided = Pick<
  AppliedHunks,
  "standings" | "applied" | "markdown" | "affectedThreads"
> & {
  readonly seq: number | null;
};

/** Suggestions: the text, the rows, the activity and the notifications are committed together or not at all. */
export type Suggestions = {
  /** Answers its id. @throws ScriptoriumError `bad_request` where nothing differs; `too_large`, `conflict`. */
  propose(
    scope: Suggester,
    documentId: string,
    cut: CutSuggestion,
    notes: SuggestionNotes,
  ): Promise<string>;
  /** Accepts what is clean or rebased; what is in conflict only with other words given instead [S2]. */
  accept(scope: Suggester, verdict: Verdict): Promise<Decided>;
  reject(scope: Suggester, verdict: Omit<Verdict, "instead">): Promise<Decided>;
  /** Takes accepted hunks out of the text again; what others wrote since stays [S4]. */
  takeBack(scope: Suggester, verdict: Omit<Verdict, "instead">): Promise<Decided>;
  /** What `accept` would do, which writes nothing [S5]. */
  tryOut(scope: Pick<CommandScope, "tx">, verdict: Omit<Verdict, "reason">): Promise<Decided>;
};

/** One decision at a time applies hunks, and waits for that before it locks a text, so that nobody types into a queue. */
const TURNS = { atOnce: 1, maxWaiting: 200 };

type Doors = {
  readonly commands: Commands;
  /** For what is tried out; and for what is decided, while the head of the text is locked. */
  readonly suggestionThread: Pick<UpkeepThread, "hunks">;
  readonly decidingThread: Pick<UpkeepThread, "hunks">;
  readonly ring: (inboxes: readonly InboxKey[]) => void;
  /** Somebody proposed or decided: whoever has the document open hears of it. */
  readonly changed: (documentId: string) => void;
};

/** The commands of suggestions. */
export function createSuggestions(given: Doors): Suggestions {
  const doors = {
    ...given,
    turns: createTurns({ ...TURNS, refusal: "Too much is being decided" }),
  };
  return {
    propose: (scope, documentId, cut, notes) => propose(doors, scope, { documentId, cut, notes }),
    accept: (scope, verdict) => decide(doors, scope, { ...verdict, decision: "accepted" }),
    reject: (scope, verdict) =>
      decide(doors, scope, { ...verdict, instead: {}, decision: "rejected" }),
    takeBack: (scope, verdict) =>
      decide(doors, scope, { ...verdict, instead: {}, decision: "taken_back" }),
    async tryOut({ tx }, verdict) {
      const chosen = await choose(tx, { ...verdict, decision: "accepted" });
      const task = {
        ...emptyTask(verdict),
        accept: chosen,
        instead: verdict.instead,
        onlyClean: verdict.chosen.onlyClean,
        show: true,
      };
      return { ...(await doors.suggestionThread.hunks(task)), seq: null };
    },
  };
}

type Decision = OfSuggestion & {
  readonly chosen: Chosen;
  readonly instead: Readonly<Record<string, string>>;
  readonly decision: HunkVerdict["decision"];
};

/** What can be decided so now: a hunk that waits can be accepted or rejected, one that is in the text taken back. */
async function choose(
  tx: Suggester["tx"],
  { documentId, suggestionId, chosen, instead, decision }: Decision,
): Promise<WholeHunkRow[]> {
  await readSuggestion(tx, { documentId, suggestionId });
  const from = decision === "taken_back" ? "accepted" : "pending";
  const hunks = await readWholeHunks(tx, suggestionId);
  requireAmong(hunks, chosen, instead);
  const isAll = chosen.diffIds.length + chosen.hunkIds.length === 0;
  const named = hunks.filter(
    ({ id, diffId }) => isAll || chosen.hunkIds.includes(id) || chosen.diffIds.includes(diffId),
  );
  // One accepted in conflict is what a person wrote instead: nothing of it is the hunk's to take out.
  return named.filter(
    (hunk) => hunk.decision === from && (from === "pending" || hunk.decidedState !== "conflict"),
  );
}

/** Whatever is named is of this suggestion. @throws ScriptoriumError `not_found`. */
function requireAmong(
  hunks: readonly WholeHunkRow[],
  { diffIds, hunkIds }: Chosen,
  instead: Decision["instead"],
): void {
  const diffs = new Set(hunks.map(({ diffId }) => diffId));
  const ids = new Set(hunks.map(({ id }) => id));
  const named = [...hunkIds, ...Object.keys(instead)];
  const unknown = diffIds.find((id) => !diffs.has(id)) ?? named.find((id) => !ids.has(id));
  if (unknown === undefined) return;
  throw new ScriptoriumError("not_found", `The suggestion has no diff and no hunk ${unknown}`);
}

const emptyTask = ({ documentId }: OfSuggestion) => ({
  documentId,
  accept: [] as readonly NamedHunk[],
  takeBack: [] as readonly NamedHunk[],
  instead: {},
  onlyClean: false,
  show: false,
});

const NOTHING = { standings: {}, applied: [], markdown: null, affectedThreads: [] } as const;

/**
 * Maintained invariant: the head row of the text is locked before hunks are judged and applied, so nobody commits words
 * between that and their COMMIT; what they are is what was decided upon [S2]. The suggestion is locked after it, by all
 * in this order.
 */
async function decide(
  { commands, decidingThread, turns, ring, changed }: Doors & { readonly turns: Turns },
  scope: Suggester,
  decision: Decision & { readonly reason: string | null },
): Promise<Decided> {
  const { tx, author } = scope;
  const { documentId } = decision;
  let hunks: readonly WholeHunkRow[] = [];
  let done: Decided = { ...NOTHING, seq: null };
  const address = { documentId, part: "content" } as const;
  await commands.perform(scope, {
    address,
    author,
    build: () =>
      turns.take(async () => {
        await lockHead(tx, address);
        await lockSuggestion(tx, decision);
        hunks = await choose(tx, decision);
        const built = await decidingThread.hunks(taskOf(decision, hunks));
        done = { ...NOTHING, standings: built.standings, applied: built.applied, seq: null };
        return built;
      }, documentId),
    rows: async (_, seq) => {
      const isWritten = decision.decision !== "rejected" && done.applied.length > 0;
      if (isWritten) done = { ...done, seq };
      const verdicts = verdictsOf(decision, hunks, done);
      if (verdicts.length === 0) return;
      done = { ...done, applied: verdicts.map(({ hunkId }) => hunkId) };
      const rung = await settle(scope, decision, { verdicts, seq: done.seq });
      scope.afterCommit(() => {
        ring(rung);
        changed(documentId);
      });
    },
  });
  return done;
}

/** The rows of a decision, and who is told of it. */
async function settle(
  scope: Suggester,
  decision: Decision & { readonly reason: string | null },
  { verdicts, seq }: { readonly verdicts: readonly HunkVerdict[]; readonly seq: number | null },
): Promise<readonly InboxKey[]> {
  const { tx, author } = scope;
  const { suggestionId, reason } = decision;
  const decidedBy = author.userId ?? "";
  await writeDecision(tx, { suggestionId, decidedBy, reason, seq, verdicts });
  const suggestion = await readSuggestion(tx, decision);
  const document = await readDocument(tx, decision.documentId);
  return tellOfDecision(scope, document, { ...decision, suggestion, hunks: verdicts.length, seq });
}

function taskOf(decision: Decision, hunks: readonly WholeHunkRow[]) {
  const task = emptyTask(decision);
  switch (decision.decision) {
    case "accepted":
      return {
        ...task,
        accept: hunks,
        instead: decision.instead,
        onlyClean: decision.chosen.onlyClean,
      };
    case "taken_back":
      return { ...task, takeBack: hunks };
    case "rejected":
      return task;
    default:
      return assertNever(decision.decision);
  }
}

function verdictsOf(
  { decision }: Decision,
  hunks: readonly WholeHunkRow[],
  { applied, standings }: Decided,
): HunkVerdict[] {
  const decided = decision === "rejected" ? hunks : hunks.filter(({ id }) => applied.includes(id));
  return decided.map(({ id }) => ({ hunkId: id, decision, state: standings[id]?.state ?? null }));
}
