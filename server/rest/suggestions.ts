import { reachOf } from "../../extensions/rights.ts";
import type {
  Decided,
  Suggester,
  Suggestions,
  Verdict,
} from "../../extensions/suggestions/suggestions.ts";
import type {
  GivenChange,
  GivenContent,
  SuggestionTask,
} from "../../persistence/cut-suggestion.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import { checkTargets } from "../../persistence/mentions.ts";
import { outcomeFigures, outcomePage } from "../../persistence/outcomes.ts";
import { readDocument } from "../../persistence/read-document.ts";
import {
  countFitting,
  readHunks,
  readSuggestion,
  suggestionPage,
  type SuggestionRow,
} from "../../persistence/suggestions.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";
import type { NewSuggestion, suggestionRoutes } from "../../schema/api/suggestions.ts";
import type { Mention } from "../../schema/mentions.ts";
import { kindOf } from "../../schema/suggestion/hunk.ts";
import { authorOf } from "./author.ts";
import { cut, pageOf } from "./page.ts";
import { FaultyRequest } from "./problem.ts";
import type { Call, Handlers } from "./serve.ts";
import { shownSuggestion, textOfParts } from "./shown-suggestion.ts";

/** What suggestions go in and out through. */
export type SuggestionDoors = {
  readonly suggestions: Suggestions;
  /** For cutting and judging. */
  readonly suggestionThread: Pick<UpkeepThread, "suggest" | "standings">;
};

/** The routes of `schema/api/suggestions.ts` that stand at a document; the same handlers serve what is said on a socket. */
export const suggestionHandlers = (doors: SuggestionDoors) =>
  ({
    ...readingHandlers(doors),
    ...proposingHandlers(doors),
    ...decidingHandlers(doors),
  }) satisfies Handlers;

const ORDER = "-createdAt";

/** A page ends before it is larger, whatever was asked for: each suggestion may bring megabytes. */
const PAGE_BYTES = 16 * 1024 * 1024;

const readingHandlers = ({ suggestionThread }: SuggestionDoors) =>
  ({
    async listSuggestions({ sql, params: { documentId }, query }) {
      await readDocument(sql, documentId);
      const filter = { documentId, status: query.status ?? null };
      const asked = pageOf(ORDER, query);
      const fitting = await countFitting(sql, filter, { ...asked, bytes: PAGE_BYTES });
      const page = { ...asked, limit: Math.min(asked.limit, fitting + 1) };
      const { rows, nextCursor } = cut(ORDER, page, await suggestionPage(sql, filter, page));
      const hunks = await readHunks(
        sql,
        rows.map(({ id }) => id),
      );
      const { standings } = await standingsIf(suggestionThread, documentId, hunks);
      const suggestions = rows.map(({ sortKey: _, ...row }) =>
        shownSuggestion(row, hunks, standings),
      );
      return { body: { suggestions, nextCursor } };
    },

    async getSuggestion({ sql, params }) {
      await readDocument(sql, params.documentId);
      return { body: await bodyOf(sql, suggestionThread, params) };
    },
  }) satisfies Handlers;

/** Only where something waits: what is decided stands as it stood. */
async function standingsIf(
  thread: SuggestionDoors["suggestionThread"],
  documentId: string,
  hunks: readonly { readonly decision: string }[],
): ReturnType<UpkeepThread["standings"]> {
  const waits = hunks.some(({ decision }) => decision === "pending");
  return waits ? thread.standings(documentId) : { seq: 0, standings: {} };
}

async function bodyOf(
  sql: SqlOrTransaction,
  thread: SuggestionDoors["suggestionThread"],
  params: { readonly documentId: string; readonly suggestionId: string },
) {
  const row: SuggestionRow = await readSuggestion(sql, params);
  const hunks = await readHunks(sql, [row.id]);
  const { standings } = await standingsIf(thread, params.documentId, hunks);
  return shownSuggestion(row, hunks, standings);
}

const proposingHandlers = ({ suggestions, suggestionThread }: SuggestionDoors) =>
  ({
    createSuggestion: {
      async prepare({ params: { documentId }, body }) {
        const found = await suggestionThread
          .suggest({ documentId, baseSeq: body.baseSeq ?? null, wants: wantsOf(body) })
          .catch((error: unknown) => ({ error }));
        return async (call) => {
          // Not before: who sends it again is to get the first answer, whatever the text says now.
          if ("error" in found) throw found.error;
          const { sql } = call;
          const { projectId, type } = await readDocument(sql, documentId);
          if (body.diagram !== undefined && type !== "system_diagram") {
            const message = "is for a system_diagram only";
            throw new FaultyRequest([{ at: "body.diagram", message }]);
          }
          await checkTargets(sql, projectId, [...found.mentions, ...prompterOf(body)]);
          const suggestionId = await suggestions.propose(suggester(call), documentId, found, {
            explanations: (body.diffs ?? []).map(({ explanation }) => explanation ?? null),
            contextSummary: body.contextSummary,
            promptedBy: body.promptedBy,
            conversationId: body.conversationId,
          });
          const row = await readSuggestion(sql, { documentId, suggestionId });
          const hunks = await readHunks(sql, [suggestionId]);
          // As it was cut: nothing of it is judged a second time.
          const standings = found.hunks.map(
            ({ standing }, index) => [hunks[index]?.id ?? "", standing] as const,
          );
          return {
            body: shownSuggestion(row, hunks, Object.fromEntries(standings)),
            location: `/documents/${documentId}/suggestions/${suggestionId}`,
          };
        };
      },
    },
  }) satisfies Handlers;

/** Whoever asked for it is notified as one that is mentioned is, and has to be somebody of the organization too [A1]. */
const prompterOf = ({ promptedBy }: NewSuggestion): Mention[] =>
  promptedBy === null ? [] : [{ targetType: "user", targetId: promptedBy, occurrence: 1 }];

function wantsOf({ diffs, content, diagram }: NewSuggestion): SuggestionTask["wants"] {
  if (diagram !== undefined) return { diagram };
  if (diffs === undefined) return { whole: givenOf(content ?? "") };
  return {
    changes: diffs.map((diff): GivenChange => {
      if ("delete" in diff) return { op: "delete", sectionId: diff.delete };
      if ("move" in diff) return { op: "move", sectionId: diff.move, after: diff.after };
      const given = givenOf(diff.newContent);
      return "insertAfter" in diff
        ? { op: "insert", after: diff.insertAfter, content: given }
        : { op: "replace", sectionId: diff.sectionId, content: given };
    }),
  };
}

const givenOf = (content: unknown): GivenContent =>
  typeof content === "string" ? { form: "markdown", text: content } : { form: "json", content };

type Deciding = Call<(typeof suggestionRoutes)["rejectSuggestion"]>;

const decidingHandlers = ({ suggestions }: Pick<SuggestionDoors, "suggestions">) =>
  ({
    async tryOutSuggestion(call) {
      const { sql, params, body } = call;
      const { diffIds, hunkIds, onlyClean, instead } = body;
      const chosen = { diffIds, hunkIds, onlyClean };
      const decided = await suggestions.tryOut({ tx: sql }, { ...params, chosen, instead });
      return { body: await outcome(call, decided) };
    },

    async acceptSuggestion(call) {
      const { body } = call;
      const verdict = { ...verdictOf(call, body.onlyClean), instead: body.instead };
      const decided = await suggestions.accept(suggester(call), verdict);
      return { body: await outcome(call, decided) };
    },

    async rejectSuggestion(call) {
      const decided = await suggestions.reject(suggester(call), verdictOf(call, false));
      return { body: await outcome(call, decided) };
    },

    async takeBackSuggestion(call) {
      const decided = await suggestions.takeBack(suggester(call), verdictOf(call, false));
      return { body: await outcome(call, decided) };
    },
  }) satisfies Handlers;

const verdictOf = (
  { params, body }: Pick<Deciding, "params" | "body">,
  onlyClean: boolean,
): Omit<Verdict, "instead"> => ({
  ...params,
  chosen: { diffIds: body.diffIds, hunkIds: body.hunkIds, onlyClean },
  reason: body.reason,
});

async function outcome(
  { sql, params }: Pick<Deciding, "sql" | "params">,
  { seq, applied, standings, markdown, affectedThreads }: Decided,
) {
  const isApplied = new Set(applied);
  const row: SuggestionRow = await readSuggestion(sql, params);
  return {
    suggestion: shownSuggestion(row, await readHunks(sql, [row.id]), standings),
    seq,
    applied: [...applied],
    refused: Object.keys(standings).filter((id) => !isApplied.has(id)),
    markdown,
    affectedThreads: [...affectedThreads],
  };
}

const suggester = (
  call: Pick<
    Call<(typeof suggestionRoutes)["createSuggestion"]>,
    "sql" | "principal" | "by" | "afterCommit"
  >,
): Suggester => ({
  tx: call.sql,
  afterCommit: call.afterCommit,
  author: authorOf(call.principal),
  by: call.by,
});

/** What became of an agent's suggestions. */
export const outcomeHandlers = {
  async listOutcomes({ sql, params: { agentId }, principal, query }) {
    const figures = await outcomeFigures(sql, agentId);
    const asked = pageOf("-decidedAt", query);
    const filter = { agentId, reach: reachOf(principal), bytes: PAGE_BYTES };
    const found = await outcomePage(sql, filter, asked);
    const fitting = Math.max(1, found.filter(({ through }) => through <= PAGE_BYTES).length);
    const page = { ...asked, limit: Math.min(asked.limit, fitting + 1) };
    const { rows, nextCursor } = cut("-decidedAt", page, found);
    const outcomes = rows.map(({ id, parts, decidedState, sortKey: _, through: __, ...row }) => ({
      ...row,
      hunkId: id,
      kind: kindOf({ parts }),
      before: textOfParts(parts, "before"),
      after: textOfParts(parts, "after"),
      state: decidedState,
    }));
    return { body: { ...figures, outcomes, nextCursor } };
  },
} satisfies Handlers;
