import type { Actor } from "../../persistence/activities.ts";
import type { Author } from "../../persistence/append-updates.ts";
import type { AppliedHunks, HunksTask, NamedHunk } from "../../persistence/apply-hunks.ts";
import { lockHead, readHeadSeq } from "../../persistence/content-state.ts";
import type { CutSuggestion } from "../../persistence/cut-suggestion.ts";
import { type HunkVerdict, lockSuggestion, writeDecision } from "../../persistence/decide-hunks.ts";
import { readDocument } from "../../persistence/read-document.ts";
import {
  readSuggestion,
  readWholeHunks,
  type WholeHunkRow,
} from "../../persistence/suggestions.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
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
  /** For what is tried out or rejected; and for what is decided, while the head of the text is locked. */
  readonly suggestionThread: Pick<UpkeepThread, "hunks" | "standings">;
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
      reject(doors, scope, { ...verdict, instead: {}, decision: "rejected" }),
    takeBack: (scope, verdict) =>
      decide(doors, scope, { ...verdict, instead: {}, decision: "taken_back" }),
    async tryOut({ tx }, verdict) {
      const decision = { ...verdict, decision: "accepted" } as const;
      const task = { ...taskOf(decision, await choose(tx, decision)), show: true };
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
  // What a person wrote instead is his: nothing of it is the hunk's to take out.
  return named.filter((hunk) => hunk.decision === from && hunk.instead === null);
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

const NOTHING = { standings: {}, applied: [], markdown: null, affectedThreads: [] } as const;

type Reasoned = Decision & { readonly reason: string | null };

/** Nothing is written in the text, so it is not locked, and nobody who types waits. How the hunks stand is told [S6]. */
async function reject(doors: Doors, scope: Suggester, decision: Reasoned): Promise<Decided> {
  const { tx } = scope;
  const { documentId } = decision;
  await readHeadSeq(tx, documentId);
  await lockSuggestion(tx, decision);
  const applied = (await choose(tx, decision)).map(({ id }) => id);
  const now = (await doors.suggestionThread.standings(documentId)).standings;
  const standings = Object.fromEntries(Object.entries(now).filter(([id]) => applied.includes(id)));
  const done = { ...NOTHING, standings, applied, seq: null };
  await settle(doors, scope, decision, done);
  return done;
}

/**
 * Maintained invariant: the head row of the text is locked before hunks are judged and applied, so nobody commits words
 * between that and their COMMIT; what they are is what was decided upon [S2]. The suggestion is locked after it, by all
 * in this order.
 */
async function decide(
  doors: Doors & { readonly turns: Turns },
  scope: Suggester,
  decision: Reasoned,
): Promise<Decided> {
  const { tx, author } = scope;
  const { documentId } = decision;
  let done: Decided = { ...NOTHING, seq: null };
  const address = { documentId, part: "content" } as const;
  await doors.commands.perform(scope, {
    address,
    author,
    build: () =>
      doors.turns.take(async () => {
        await lockHead(tx, address);
        await lockSuggestion(tx, decision);
        const task = taskOf(decision, await choose(tx, decision));
        const built = await doors.decidingThread.hunks(task);
        done = { ...NOTHING, standings: built.standings, applied: built.applied, seq: null };
        return built;
      }, documentId),
    rows: async (_, seq) => {
      if (done.applied.length > 0) done = { ...done, seq };
      await settle(doors, scope, decision, done);
    },
  });
  return done;
}

/** The rows of a decision, and who is told of it; none where nothing was decided. */
async function settle(
  { ring, changed }: Doors,
  scope: Suggester,
  decision: Reasoned,
  { applied, standings, seq }: Decided,
): Promise<void> {
  if (applied.length === 0) return;
  const { tx, author } = scope;
  const { documentId, suggestionId, reason } = decision;
  const verdicts = applied.map((hunkId): HunkVerdict => ({
    hunkId,
    decision: decision.decision,
    state: standings[hunkId]?.state ?? null,
    instead: decision.instead[hunkId] ?? null,
  }));
  await writeDecision(tx, { suggestionId, decidedBy: author.userId, reason, seq, verdicts });
  const suggestion = await readSuggestion(tx, decision);
  const document = await readDocument(tx, documentId);
  const told = { ...decision, suggestion, hunks: applied.length, seq };
  const rung = await tellOfDecision(scope, document, told);
  scope.afterCommit(() => {
    ring(rung);
    changed(documentId);
  });
}

/** What is to be done with the hunks that were chosen. */
const taskOf = (
  { documentId, decision, instead, chosen: { onlyClean } }: Decision,
  hunks: readonly NamedHunk[],
): HunksTask => ({
  documentId,
  accept: decision === "accepted" ? hunks : [],
  takeBack: decision === "taken_back" ? hunks : [],
  instead,
  onlyClean,
  show: false,
});
