import type { JSONContent } from "@tiptap/core";
import * as Y from "yjs";

import { contentKey } from "../content-key.ts";
import type { Plan, PlanOfChildren } from "../content-plan.ts";
import type { YjsUnit } from "../content-units.ts";
import { documentSchema, FRAGMENT } from "../document-schema.ts";
import { attributeChanges, writeAttributes } from "../yjs-attributes.ts";
import { nodeToContent } from "../yjs-content.ts";
import type { HunkPart, StructId } from "./hunk.ts";
import { idOf, piecesOf, rangesAt, type YNode } from "./place.ts";
import { emptied, type TextChange, textChanges } from "./text-changes.ts";

/** A change of one place: what is kept of it, and how it is done. */
export type DraftStep = {
  readonly part: HunkPart;
  /** Done from the last to the first: so places in a text stay where they are. */
  readonly perform: (transaction: Y.Transaction) => void;
  /** The text it changes; null: it is none. */
  readonly text: Y.Text | null;
};

/** What is to become a hunk. */
export type Draft = {
  readonly steps: readonly DraftStep[];
  /** The top-level block it is in; null: it stands between blocks. */
  readonly block: YNode | null;
  /** … and the block that it then comes behind. */
  readonly behind: YNode | null;
};

/** Nodes of a parent that go and come between two that stay. */
type Gap = {
  readonly left: YNode | null;
  readonly right: YNode | null;
  readonly removed: readonly YNode[];
  readonly added: readonly YNode[];
};

/** Everything that a plan changes, place by place, in the order of the document. Changes nothing. */
export function draftsOf(
  doc: Y.Doc,
  { children, wanted }: { readonly children: PlanOfChildren; readonly wanted: Y.XmlFragment },
): Draft[] {
  return joinMoves(
    draftChildren(doc.getXmlFragment(FRAGMENT), wanted, { plan: children, block: null }),
  );
}

type Where = { readonly plan: PlanOfChildren; readonly block: YNode | null };

function draftChildren(
  parent: Y.XmlFragment,
  wanted: Y.XmlFragment,
  { plan, block }: Where,
): Draft[] {
  const [first] = plan.removed;
  if (plan.plans.length === 0 && parent.length === 1 && first?.type instanceof Y.XmlText) {
    // As `replaceContent` does: a text that is to be empty stays.
    return [{ steps: [textStep(first.type, emptied(first.type))], block, behind: null }];
  }
  const types = wanted.toArray() as YNode[];
  const gaps = gapsOf(parent, types, plan);
  const drafts: Draft[] = [];
  let gapAt = 0;
  const takeGap = (): void => {
    const gap = gaps[gapAt];
    gapAt += 1;
    if (gap === undefined || gap.removed.length + gap.added.length === 0) return;
    drafts.push({
      steps: [nodesStep(parent, gap)],
      block,
      behind: block === null ? gap.left : null,
    });
  };
  takeGap();
  for (const [index, each] of plan.plans.entries()) {
    if (each.before === null) continue;
    const own = block ?? each.before.type;
    drafts.push(...draftKept(each, types[index] as YNode, own));
    takeGap();
  }
  return isTextblock(parent) && gaps.some(({ removed, added }) => removed.length + added.length > 0)
    ? [joined(drafts)]
    : drafts;
}

/** What changes of a node that stays, and inside it. */
function draftKept({ before, isSame, inside }: Plan, wanted: YNode, block: YNode): Draft[] {
  const { type } = before as YjsUnit;
  if (isSame) return [];
  if (type instanceof Y.XmlText || wanted instanceof Y.XmlText) {
    const text = type as Y.XmlText;
    return textChanges(text, wanted as Y.XmlText).map((change) => ({
      steps: [textStep(text, change)],
      block,
      behind: null,
    }));
  }
  const attributes = attributesStep(type, wanted);
  const own = attributes === null ? [] : [{ steps: [attributes], block, behind: null }];
  return inside === null ? own : [...own, ...draftChildren(type, wanted, { plan: inside, block })];
}

function gapsOf(
  parent: Y.XmlFragment,
  wanted: readonly YNode[],
  { plans, removed }: PlanOfChildren,
): Gap[] {
  const going = new Set(removed.map(({ type }) => type));
  const gaps: { left: YNode | null; right: YNode | null; removed: YNode[]; added: YNode[] }[] = [];
  const begin = (left: YNode | null): void => {
    gaps.push({ left, right: null, removed: [], added: [] });
  };
  begin(null);
  for (const child of parent.toArray() as YNode[]) {
    const gap = gaps.at(-1);
    if (going.has(child)) gap?.removed.push(child);
    else {
      if (gap !== undefined) gap.right = child;
      begin(child);
    }
  }
  let at = 0;
  for (const [index, { before }] of plans.entries()) {
    if (before === null) gaps[at]?.added.push(wanted[index] as YNode);
    else at += 1;
  }
  return gaps;
}

const idOrNull = (node: YNode | null): StructId | null => (node === null ? null : idOf(node));

/** One text node for each text, as many nodes as there are: what is shown, and what is put back. */
const contentOf = (nodes: readonly YNode[]): JSONContent[] => nodes.flatMap(nodeToContent);

const cloned = (node: YNode): YNode => node.clone();

function nodesStep(parent: Y.XmlFragment, { left, right, removed, added }: Gap): DraftStep {
  const inside = parent instanceof Y.XmlElement ? parent : null;
  return {
    part: {
      kind: "nodes",
      parent: idOrNull(inside),
      left: idOrNull(left),
      right: idOrNull(right),
      removed: removed.map((node) => ({ id: idOf(node), content: nodeToContent(node) })),
      added: contentOf(added),
    },
    perform: (transaction) => {
      for (const node of removed) node._item?.delete(transaction);
      if (added.length > 0) parent.insertAfter(left, added.map(cloned));
    },
    text: null,
  };
}

/** What changes of the source of the diagram. */
export const draftsOfDiagram = (text: Y.Text, wanted: Y.Text): Draft[] =>
  textChanges(text, wanted).map((change) => ({
    steps: [textStep(text, change)],
    block: null,
    behind: null,
  }));

function textStep(text: Y.Text, { from, to, before, steps }: TextChange): DraftStep {
  const places = rangesAt(piecesOf(text), { from, to });
  return {
    part: {
      kind: "text",
      text: text instanceof Y.XmlText ? idOf(text) : null,
      ...places,
      before,
      steps,
    },
    perform: () => text.applyDelta(from === 0 ? [...steps] : [{ retain: from }, ...steps]),
    text,
  };
}

function attributesStep(type: Y.XmlElement, wanted: Y.XmlElement): DraftStep | null {
  const had: Record<string, unknown> = type.getAttributes();
  const changes = attributeChanges(had, wanted.getAttributes());
  const after = Object.fromEntries(Object.entries(changes).filter(([name]) => name !== "id"));
  if (Object.keys(after).length === 0) return null;
  const before = Object.fromEntries(Object.keys(after).map((name) => [name, had[name] ?? null]));
  return {
    part: { kind: "attributes", node: idOf(type), before, after },
    perform: () => writeAttributes(type, after),
    text: null,
  };
}

/** What in it stands in one line: a change of its nodes is not understood without that of the words beside them. */
const isTextblock = (parent: Y.XmlFragment): boolean =>
  parent instanceof Y.XmlElement && documentSchema.nodes[parent.nodeName]?.isTextblock === true;

/** Several as one. */
export const joined = (drafts: readonly Draft[]): Draft => ({
  steps: drafts.flatMap(({ steps }) => steps),
  block: drafts.every(({ block }) => block === drafts[0]?.block)
    ? (drafts[0]?.block ?? null)
    : null,
  behind: drafts[0]?.behind ?? drafts[0]?.block ?? null,
});

/** What goes in one place and comes in another is one change: each half alone would lose or double it. */
function joinMoves(drafts: readonly Draft[]): Draft[] {
  const goes = new Map<string, number>();
  const groups = drafts.map((_, index) => index);
  const rootOf = (index: number): number => {
    const up = groups[index] ?? index;
    return up === index ? index : rootOf(up);
  };
  for (const [index, { steps }] of drafts.entries()) {
    for (const key of steps.flatMap(({ part }) => keysOf(part, "removed"))) goes.set(key, index);
  }
  for (const [index, { steps }] of drafts.entries()) {
    for (const key of steps.flatMap(({ part }) => keysOf(part, "added"))) {
      const other = goes.get(key);
      if (other === undefined || other === index) continue;
      const [low, high] = [rootOf(index), rootOf(other)].toSorted((a, b) => a - b);
      groups[high as number] = low as number;
    }
  }
  const found = Map.groupBy(drafts.entries(), ([index]) => rootOf(index));
  return [...found.values()].map((each) => {
    const [one] = each;
    return each.length === 1 && one !== undefined ? one[1] : joined(each.map(([, draft]) => draft));
  });
}

/** What a node says, for those that say something. */
function keysOf(part: HunkPart, side: "removed" | "added"): string[] {
  if (part.kind !== "nodes") return [];
  const nodes = side === "added" ? part.added : part.removed.flatMap(({ content }) => content);
  return nodes
    .filter(({ type }) => type !== "text")
    .map(contentKey)
    .filter((key) => key.length > MIN_MOVED);
}

/** Shorter ones, an empty paragraph or a rule, are alike by chance. */
const MIN_MOVED = 40;
