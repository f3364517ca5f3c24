import type { JSONContent } from "@tiptap/core";
import * as Y from "yjs";
import type { WantedDocument } from "../schema/suggestion/cut.ts";
import type { Hunk } from "../schema/suggestion/hunk.ts";
import type { HunkStanding } from "../schema/suggestion/state.ts";
import type { SectionChange } from "../schema/suggestion/wanted.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { type Mention, mentionsIn } from "../schema/mentions.ts";
import { yDocDiagram, yDocToContent } from "../schema/yjs-content.ts";
import type { SqlOrTransaction } from "./database.ts";
import { loadToWrite } from "./load-committed.ts";
import { loadDocument } from "./load-document.ts";

/** Content as an agent sends it. */
export type GivenContent =
  | { readonly form: "markdown"; readonly text: string }
  | { readonly form: "json"; readonly content: unknown };

/** A change of one section, as it came in. */
export type GivenChange =
  | { readonly op: "replace"; readonly sectionId: string; readonly content: GivenContent }
  | { readonly op: "delete"; readonly sectionId: string }
  | { readonly op: "insert"; readonly after: string | null; readonly content: GivenContent }
  | { readonly op: "move"; readonly sectionId: string; readonly after: string | null };

/** What a suggestion wants: changes of sections, or another whole document, of which the changes are found. */
export type SuggestionTask = {
  readonly documentId: string;
  /** The position of the log that the agent read; null: whatever is committed now. */
  readonly baseSeq: number | null;
  readonly wants:
    | { readonly changes: readonly GivenChange[] }
    | { readonly whole: GivenContent }
    | { readonly diagram: string };
};

/** A hunk, the change that it belongs to, and how it stands in what is committed now. */
export type CutHunk = Hunk & { readonly change: number; readonly standing: HunkStanding };

/** What became of a change: Tiptap JSON of the section before and after; null: there is none. */
export type CutChange = {
  readonly op: GivenChange["op"];
  readonly sectionId: string | null;
  readonly before: JSONContent | null;
  readonly after: JSONContent | null;
};

/** A suggestion that was cut: on which position of the log, its changes, and their hunks in the order of the document. */
export type CutSuggestion = {
  readonly baseSeq: number;
  readonly changes: readonly CutChange[];
  readonly hunks: readonly CutHunk[];
  /** What it would mention and the text that it was made on does not. */
  readonly mentions: readonly Mention[];
};

/**
 * Cuts what an agent wants into hunks, on the text that it read, and says how they stand in what is committed now.
 * @throws ScriptoriumError `bad_content`, `too_large`, `section_not_found`, `base_too_old`, `bad_request`;
 * `document_not_found`, `document_quarantined`.
 */
export async function cutSuggestion(
  sql: SqlOrTransaction,
  { documentId, baseSeq, wants }: SuggestionTask,
): Promise<CutSuggestion> {
  const { cutHunks } = await import("../schema/suggestion/cut.ts");
  const { createHunkJudge } = await import("../schema/suggestion/state.ts");
  const now = new Y.Doc({ gc: true });
  const earlier = new Y.Doc({ gc: true });
  try {
    const address = { documentId, part: "content" } as const;
    const { seq } = await loadToWrite(sql, address, now);
    const readAt = baseSeq ?? seq;
    const base = readAt === seq ? now : earlier;
    if (base === earlier) await loadBase(sql, { documentId, baseSeq: readAt, headSeq: seq }, base);
    const { changes, changeOf, mentions, ...wanted } = await wantedOf(base, wants);
    const hunks = cutHunks(Y.encodeStateAsUpdate(base), wanted);
    const judge = createHunkJudge(now);
    return {
      baseSeq: readAt,
      changes,
      mentions,
      hunks: hunks.map((hunk) => ({
        ...hunk,
        change: changeOf(blockIdsOf(hunk)) ?? 0,
        standing: judge(hunk),
      })),
    };
  } finally {
    now.destroy();
    earlier.destroy();
  }
}

type Base = { readonly documentId: string; readonly baseSeq: number; readonly headSeq: number };

async function loadBase(
  sql: SqlOrTransaction,
  { documentId, baseSeq, headSeq }: Base,
  doc: Y.Doc,
): Promise<void> {
  if (baseSeq > headSeq) {
    throw new ScriptoriumError("bad_request", `The document has not come to seq ${baseSeq} yet`);
  }
  const stored = await loadDocument(sql, { documentId, part: "content" }, doc, baseSeq);
  if (stored.stateSeq <= baseSeq && stored.quarantine === null) return;
  throw new ScriptoriumError(
    "base_too_old",
    `What was read at seq ${baseSeq} is merged with later edits already: read the document again and send the suggestion for what it says now`,
  );
}

type Wanted = WantedDocument & {
  readonly changes: readonly CutChange[];
  readonly mentions: readonly Mention[];
  readonly changeOf: (blockIds: readonly string[]) => number | null;
};

async function wantedOf(doc: Y.Doc, wants: SuggestionTask["wants"]): Promise<Wanted> {
  if ("diagram" in wants) return diagramOf(yDocDiagram(doc) ?? "", wants.diagram);
  const { fittingContent } = await import("../schema/content.ts");
  const { content: base, dropped } = fittingContent(yDocToContent(doc));
  if (dropped > 0) {
    throw new ScriptoriumError(
      "bad_content",
      "The document holds what its schema does not have: somebody has to write its content anew first",
    );
  }
  const { wantedContent } = await import("../schema/suggestion/wanted.ts");
  if ("whole" in wants) return wholeOf(base, await readContent(wants.whole));
  const changes: SectionChange[] = [];
  for (const change of wants.changes) {
    if (!("content" in change)) changes.push(change);
    else changes.push({ ...change, content: (await readContent(change.content)).content ?? [] });
  }
  const { content, before, changeOf } = wantedContent(base, changes);
  const shown = changes.map((change, index): CutChange => ({
    op: change.op,
    sectionId: change.op === "insert" ? change.after : change.sectionId,
    before: documentOf(before[index] ?? []),
    after: documentOf(afterOf(change, before[index] ?? [])),
  }));
  const mentions = mentionsBrought(base, content);
  return { content, diagram: null, changes: shown, mentions, changeOf };
}

function afterOf(change: SectionChange, before: readonly JSONContent[]): readonly JSONContent[] {
  if ("content" in change) return change.content;
  return change.op === "move" ? before : [];
}

const documentOf = (blocks: readonly JSONContent[]): JSONContent | null =>
  blocks.length === 0 ? null : { type: "doc", content: [...blocks] };

/** One change: its source before and after, as code for people to read. */
function diagramOf(before: string, after: string): Wanted {
  const shown = (text: string): JSONContent | null =>
    text === ""
      ? null
      : documentOf([
          { type: "codeBlock", attrs: { language: "mermaid" }, content: [{ type: "text", text }] },
        ]);
  const change = { op: "replace", sectionId: null } as const;
  const changes = [{ ...change, before: shown(before), after: shown(after) }];
  return { content: null, diagram: after, changes, mentions: [], changeOf: () => 0 };
}

/** The sections that differ become the changes: all of them are replaced as far as they differ. */
async function wholeOf(base: JSONContent, content: JSONContent): Promise<Wanted> {
  const { sectionsOf } = await import("../schema/sections.ts");
  const sections = sectionsOf(base);
  const places = new Map(
    sections.flatMap(({ blocks }, index) =>
      blocks.flatMap(({ attrs }) => {
        const id: unknown = attrs?.["id"];
        return typeof id === "string" ? [[id, index] as const] : [];
      }),
    ),
  );
  const changes = sections.map(({ sectionId, blocks }): CutChange => ({
    op: "replace",
    sectionId,
    before: documentOf(blocks),
    after: null,
  }));
  // Nothing is there that could be replaced: somebody's update has taken all blocks out.
  if (changes.length === 0) {
    changes.push({ op: "insert", sectionId: null, before: null, after: content });
  }
  const changeOf = (ids: readonly string[]): number | null =>
    ids.map((id) => places.get(id)).find((index) => index !== undefined) ?? null;
  const mentions = mentionsBrought(base, content);
  return { content, diagram: null, changes, mentions, changeOf };
}

function mentionsBrought(base: JSONContent, content: JSONContent): Mention[] {
  const keyOf = ({ targetType, targetId }: Mention): string => `${targetType}:${targetId}`;
  const known = new Set(mentionsIn(base).map(keyOf));
  return mentionsIn(content).filter((mention) => !known.has(keyOf(mention)));
}

async function readContent(given: GivenContent): Promise<JSONContent> {
  const { parseContent, parseMarkdown } = await import("../schema/content.ts");
  return given.form === "markdown" ? parseMarkdown(given.text) : parseContent(given.content);
}

/** Ids of the blocks that say which change a hunk belongs to, the surest first. */
function blockIdsOf({ parts, block, blockId }: Hunk): string[] {
  const removed = parts.flatMap((part) =>
    part.kind === "nodes" && part.parent === null
      ? part.removed.flatMap(({ content }) => content)
      : [],
  );
  const ids = removed.flatMap(({ attrs }) => {
    const id: unknown = attrs?.["id"];
    return typeof id === "string" ? [id] : [];
  });
  if (blockId === null) return ids;
  return block === null ? [...ids, blockId] : [blockId, ...ids];
}
