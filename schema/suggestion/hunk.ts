import type { JSONContent } from "@tiptap/core";
import { contentKey } from "../content-key.ts";
import { applySteps } from "./text-changes.ts";
import type { Run, Step } from "../formatted-text.ts";

/** A struct of Yjs, or one character of it: `[client, clock]`. */
export type StructId = readonly [client: number, clock: number];

/** Characters that follow each other in the log of one client: `[client, clock, length]`. */
export type StructRange = readonly [client: number, clock: number, length: number];

/** Other words, or other formats of the same words, in a Yjs text. */
export type TextPart = {
  readonly kind: "text";
  /** Null: the source of the diagram. */
  readonly text: StructId | null;
  /** The characters beside it, which the suggestion leaves as they are; null: the text begins or ends there. */
  readonly left: StructId | null;
  readonly right: StructId | null;
  /** The characters between them when it was made; empty where words are only put in. */
  readonly base: readonly StructRange[];
  readonly before: readonly Run[];
  /** What makes of them what is to stand there. A retained character has attributes where its formats change. */
  readonly steps: readonly Step[];
};

/** A node that goes, as it was; of a text its text nodes. */
export type RemovedNode = { readonly id: StructId; readonly content: readonly JSONContent[] };

/** Nodes that go, that come, or both, between two neighbours of one parent. */
export type NodesPart = {
  readonly kind: "nodes";
  /** Null: the document itself. */
  readonly parent: StructId | null;
  readonly left: StructId | null;
  readonly right: StructId | null;
  readonly removed: readonly RemovedNode[];
  readonly added: readonly JSONContent[];
};

/** Other attributes of a node: only those that change; null where there is none. */
export type AttributesPart = {
  readonly kind: "attributes";
  readonly node: StructId;
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
};

export type HunkPart = TextPart | NodesPart | AttributesPart;

/** Where a hunk stands, for people: the top-level block, and what that was when the hunk was made. */
export type HunkBlock = { readonly id: StructId; readonly hash: string };

/**
 * The smallest piece of a suggestion that can be accepted by itself (DESIGN 8): one Yjs update by a client of its own,
 * which depends on the base alone. So it can be applied in any company, any order and twice.
 */
export type Hunk = {
  readonly update: Uint8Array;
  /** One; several where they make sense only together: a move, a word that becomes a mention. */
  readonly parts: readonly HunkPart[];
  /** Null: it stands between top-level blocks. */
  readonly block: HunkBlock | null;
  /** The `id` of the top-level block that it is in or, where it stands between blocks, comes behind; null: the first place. */
  readonly blockId: string | null;
};

/** What it comes to, for people. `format`: the words stay. */
export const HUNK_KINDS = ["insert", "delete", "replace", "format", "attributes", "move"] as const;
export type HunkKind = (typeof HUNK_KINDS)[number];

/** What is to stand where a part is. */
const afterOf = ({ before, steps }: TextPart): Run[] => applySteps(before, steps);

/** The words of runs, without their formats. */
const textOfRuns = (runs: readonly Run[]): string => runs.map(({ insert }) => insert).join("");

/** What a hunk comes to, for people. */
export function kindOf({ parts }: Pick<Hunk, "parts">): HunkKind {
  if (parts.every(({ kind }) => kind === "attributes")) return "attributes";
  const nodes = parts.filter((part) => part.kind === "nodes");
  if (nodes.length > 1 && isMove(nodes)) return "move";
  if (parts.every((part) => part.kind === "text" && isFormat(part))) return "format";
  const goes = parts.some((part) => sizeBefore(part) > 0);
  const comes = parts.some((part) => sizeAfter(part) > 0);
  if (goes && comes) return "replace";
  return goes ? "delete" : "insert";
}

/** True where the words stay, and only their formats change. */
export const isFormat = ({ steps }: TextPart): boolean => steps.every((step) => "retain" in step);

function isMove(parts: readonly NodesPart[]): boolean {
  const gone = parts.flatMap(({ removed }) =>
    removed.flatMap(({ content }) => content.map(contentKey)),
  );
  const come = parts.flatMap(({ added }) => added.map(contentKey));
  return gone.toSorted().join() === come.toSorted().join();
}

function sizeBefore(part: HunkPart): number {
  if (part.kind === "text") return textOfRuns(part.before).length;
  return part.kind === "nodes" ? part.removed.length : 0;
}

function sizeAfter(part: HunkPart): number {
  if (part.kind === "text") return textOfRuns(afterOf(part)).length;
  return part.kind === "nodes" ? part.added.length : 0;
}

/** What stood where a part is, and what is to stand there. */
export type PartSide =
  | { readonly kind: "text"; readonly runs: readonly Run[] }
  | { readonly kind: "nodes"; readonly nodes: readonly JSONContent[] }
  | { readonly kind: "attributes"; readonly attributes: Readonly<Record<string, unknown>> };

/** What stood where a part is. */
export function partsBefore(part: HunkPart): PartSide {
  if (part.kind === "text") return { kind: "text", runs: part.before };
  if (part.kind === "attributes") return { kind: "attributes", attributes: part.before };
  return { kind: "nodes", nodes: part.removed.flatMap(({ content }) => content) };
}

/** What is to stand where a part is. */
export function partsAfter(part: HunkPart): PartSide {
  if (part.kind === "text") return { kind: "text", runs: afterOf(part) };
  if (part.kind === "attributes") return { kind: "attributes", attributes: part.after };
  return { kind: "nodes", nodes: part.added };
}
