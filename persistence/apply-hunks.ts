import type { JSONContent } from "@tiptap/core";
import * as Y from "yjs";
import type { Anchor } from "../schema/anchor.ts";
import type { Hunk } from "../schema/suggestion/hunk.ts";
import type { HunkStanding } from "../schema/suggestion/state.ts";
import { yDocToContent } from "../schema/yjs-content.ts";
import type { BuiltUpdate } from "./built-update.ts";
import type { SqlOrTransaction } from "./database.ts";
import { loadLocked, loadToWrite } from "./load-committed.ts";
import { mergeUpdates } from "./merge-updates.ts";
import { readPendingHunks } from "./suggestions.ts";

/** A hunk by its id. */
export type NamedHunk = Hunk & { readonly id: string };

/** What is to be done with hunks of one document. */
export type HunksTask = {
  readonly documentId: string;
  readonly accept: readonly NamedHunk[];
  readonly takeBack: readonly NamedHunk[];
  /** Markdown to put in the place of a hunk, by its id: what somebody accepts instead of what was proposed. */
  readonly instead: Readonly<Record<string, string>>;
  /** Leave out those beside which others wrote. */
  readonly onlyClean: boolean;
  /** Write what comes out of it as Markdown: a dry run. */
  readonly show: boolean;
};

/** `standings`: how each hunk stood before; one in conflict or orphaned is not applied, unless it is given otherwise. */
export type AppliedHunks = BuiltUpdate & {
  readonly standings: Readonly<Record<string, HunkStanding>>;
  readonly applied: readonly string[];
  readonly markdown: string | null;
  /** Of a dry run: open threads about words that become others; `detached`: that would not be found any more. */
  readonly affectedThreads: readonly AffectedThread[];
};

export type AffectedThread = { readonly threadId: string; readonly detached: boolean };

/**
 * Applies hunks to a fork of what is committed, or takes them back: those that are clean or rebased, never silently one
 * in conflict [S2]. Hold the lock of the document's head, or what is found here may be past.
 * @throws ScriptoriumError `document_not_found`, `document_quarantined`; `bad_content` for what is given instead.
 */
export async function applyHunks(sql: SqlOrTransaction, task: HunksTask): Promise<AppliedHunks> {
  const { documentId, accept, show } = task;
  const { createHunkJudge } = await import("../schema/suggestion/state.ts");
  const doc = new Y.Doc({ gc: true });
  try {
    const { seq, repairs } = await loadLocked(sql, { documentId, part: "content" }, doc);
    const judge = createHunkJudge(doc);
    const standings = Object.fromEntries(accept.map((hunk) => [hunk.id, judge(hunk)]));
    const affected = show ? await watchThreads(sql, documentId, doc) : () => [];
    const updates: Uint8Array[] = [];
    doc.on("update", (update: Uint8Array) => updates.push(update));
    const applied = await performAll(doc, task, standings);
    const update = updates.length === 0 ? null : mergeUpdates(updates);
    const markdown = show ? await markdownOf(yDocToContent(doc)) : null;
    const affectedThreads = affected();
    return { update, seq, repairs, standings, applied, markdown, affectedThreads };
  } finally {
    doc.destroy();
  }
}

/** Answers the hunks that were applied. In one transaction: as it ends Yjs looks at every client, and each hunk brings one. */
async function performAll(
  doc: Y.Doc,
  { accept, takeBack, instead, onlyClean }: HunksTask,
  standings: AppliedHunks["standings"],
): Promise<string[]> {
  const { acceptHunk, takeBackHunk } = await import("../schema/suggestion/decide.ts");
  const { writeInstead } = await import("../schema/suggestion/instead.ts");
  const isAccepted = (hunk: NamedHunk): boolean => {
    const given = instead[hunk.id];
    const state = standings[hunk.id]?.state ?? "orphaned";
    if (given !== undefined && state !== "orphaned") writeInstead(doc, hunk, given);
    else if (state === "clean" || (state === "rebased" && !onlyClean)) acceptHunk(doc, hunk);
    else return false;
    return true;
  };
  const applied = doc.transact(() => [
    ...accept.filter(isAccepted),
    // Where others have made it theirs nothing of it can be taken out, and it stays accepted.
    ...takeBack.filter((hunk) => takeBackHunk(doc, hunk)),
  ]);
  return applied.map(({ id }) => id);
}

/** Looks where open threads are, and answers which of them are elsewhere, or on other words, when it is called. */
async function watchThreads(
  sql: SqlOrTransaction,
  documentId: string,
  doc: Y.Doc,
): Promise<() => AffectedThread[]> {
  const { createAnchorResolver } = await import("../schema/anchor.ts");
  const threads = await sql<{ id: string; anchor: Anchor }[]>`
    select id, anchor_data as anchor from comments
    where parent_type = 'document' and parent_id = ${documentId} and thread_id is null and anchor_data is not null
      and not resolved and deleted_at is null`;
  const textsOf = (): (string | null)[] => {
    const resolver = createAnchorResolver(doc);
    return threads.map(({ anchor }) => resolver.resolve(anchor)?.text ?? null);
  };
  const before = textsOf();
  return () => {
    const after = textsOf();
    return threads.flatMap(({ id }, index) =>
      before[index] === after[index] ? [] : [{ threadId: id, detached: after[index] === null }],
    );
  };
}

async function markdownOf(content: JSONContent): Promise<string> {
  const { fittingContent, renderMarkdown } = await import("../schema/content.ts");
  return renderMarkdown(fittingContent(content).content);
}

/** How every hunk of a document that waits for a decision stands in what is committed, by its id. */
export type PendingStandings = {
  readonly seq: number;
  readonly standings: Readonly<Record<string, HunkStanding>>;
};

/** @throws ScriptoriumError `document_not_found`, `document_quarantined`. */
export async function judgePending(
  sql: SqlOrTransaction,
  documentId: string,
): Promise<PendingStandings> {
  const { createHunkJudge } = await import("../schema/suggestion/state.ts");
  const hunks = await readPendingHunks(sql, documentId);
  const doc = new Y.Doc({ gc: true });
  try {
    const { seq } = await loadToWrite(sql, { documentId, part: "content" }, doc);
    const judge = createHunkJudge(doc);
    return { seq, standings: Object.fromEntries(hunks.map((hunk) => [hunk.id, judge(hunk)])) };
  } finally {
    doc.destroy();
  }
}
