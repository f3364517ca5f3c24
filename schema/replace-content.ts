import type { JSONContent } from "@tiptap/core";
import { prosemirrorToYXmlFragment } from "@tiptap/y-tiptap";
import * as Y from "yjs";

import { withBlockIds } from "./block-ids.ts";
import { alignUnits } from "./content-alignment.ts";
import {
  contentUnits,
  createNumbers,
  TEXT_KIND,
  yjsUnits,
  type ContentUnit,
  type YjsUnit,
} from "./content-units.ts";
import { documentSchema, FRAGMENT } from "./document-schema.ts";
import { replaceText } from "./formatted-text.ts";

import { setAttributes } from "./yjs-attributes.ts";

/** What becomes of a unit of the new content: made from `before`, or new where that is null. */
type Plan = {
  readonly before: YjsUnit | null;
  /** True when all of it is as it is to be. */
  readonly isSame: boolean;
  /** What to do inside an element that was there; null for a text, and for what is new. */
  readonly inside: PlanOfChildren | null;
  /** With the ids of what it was made from. */
  readonly nodes: readonly JSONContent[];
};

type PlanOfChildren = { readonly removed: readonly YjsUnit[]; readonly plans: readonly Plan[] };

/**
 * Gives a document this content, which must fit the schema (`parseContent` first), by a forward edit: blocks that are
 * in both keep their Yjs items and ids, also those around which others were moved or made; in a text only the words
 * that differ are replaced. What others write meanwhile merges with it. Changes nothing where nothing differs.
 */
export function replaceContent(doc: Y.Doc, content: JSONContent): void {
  const fragment = doc.getXmlFragment(FRAGMENT);
  const numbers = createNumbers();
  const plan = planChildren(yjsUnits(fragment, numbers), contentUnits(distinct(content), numbers));
  const planned = { ...content, content: plan.plans.flatMap(({ nodes }) => nodes) };
  const node = documentSchema.nodeFromJSON(withBlockIds(planned));
  // The content as it is to be, in Yjs: what is new is copied from it, as a whole.
  const wanted = new Y.Doc();
  prosemirrorToYXmlFragment(node, wanted.getXmlFragment(FRAGMENT));
  doc.transact((transaction) => {
    arrange(transaction, fragment, wanted.getXmlFragment(FRAGMENT), plan);
  });
  wanted.destroy();
}

/** Of several blocks with one id the first keeps it: the others are copies of it. */
function distinct(content: JSONContent): JSONContent {
  const seen = new Set<unknown>();
  const blocks = (content.content ?? []).map((block) => {
    const { id, ...attrs } = (block.attrs ?? {}) as Record<string, unknown>;
    if (id === undefined || !seen.has(id)) {
      seen.add(id);
      return block;
    }
    return { ...block, attrs };
  });
  return { ...content, content: blocks };
}

function planChildren(before: readonly YjsUnit[], after: readonly ContentUnit[]): PlanOfChildren {
  const madeFrom = new Map(alignUnits(before, after).map(([old, fresh]) => [fresh, old]));
  const kept = new Set(madeFrom.values());
  const plans = after.map((unit, index) =>
    planUnit(before[madeFrom.get(index) ?? -1] ?? null, unit),
  );
  return { removed: before.filter((_, index) => !kept.has(index)), plans };
}

function planUnit(before: YjsUnit | null, after: ContentUnit): Plan {
  const { kind, nodes } = after;
  if (before === null || kind === TEXT_KIND) {
    return { before, nodes, inside: null, isSame: before?.own === after.own };
  }
  const inside = planChildren(before.children, after.children);
  const content = inside.plans.flatMap((plan) => plan.nodes);
  const withIds = nodes.map((node) => ({
    ...node,
    ...(before.id !== null && { attrs: { ...node.attrs, id: before.id } }),
    ...(content.length > 0 && { content }),
  }));
  const isSame =
    before.own === after.own &&
    inside.removed.length === 0 &&
    inside.plans.every((plan) => plan.isSame);
  return { before, nodes: withIds, inside, isSame };
}

/** Gives `parent` the children of `wanted`. Walks from item to item: a place in a fragment is counted from its start. */
function arrange(
  transaction: Y.Transaction,
  parent: Y.XmlFragment,
  wanted: Y.XmlFragment,
  { removed, plans }: PlanOfChildren,
): void {
  const [first] = removed;
  if (plans.length === 0 && parent.length === 1 && first?.type instanceof Y.XmlText) {
    // A text that is to be empty stays: others may be writing in it (y-prosemirror issue 108).
    first.type.delete(0, first.type.length);
    return;
  }
  for (const { type } of removed) type._item?.delete(transaction);
  let left: YjsUnit["type"] | null = null;
  let added: YjsUnit["type"][] = [];
  const insertAdded = (): void => {
    if (added.length > 0) parent.insertAfter(left, added);
    added = [];
  };
  const types = wanted.toArray() as YjsUnit["type"][];
  for (const [index, plan] of plans.entries()) {
    const type = types[index] as YjsUnit["type"];
    if (plan.before === null) added.push(type.clone());
    else {
      insertAdded();
      left = plan.before.type;
      change(transaction, left, type, plan);
    }
  }
  insertAdded();
}

/** Makes what was there as it is to be. */
function change(
  transaction: Y.Transaction,
  type: YjsUnit["type"],
  wanted: YjsUnit["type"],
  { isSame, inside }: Plan,
): void {
  if (type instanceof Y.XmlText || wanted instanceof Y.XmlText) {
    if (!isSame) replaceText(type as Y.XmlText, wanted as Y.XmlText);
    return;
  }
  // Also of what is the same: it may get an id.
  if (!isSame || type.getAttribute("id") !== wanted.getAttribute("id")) setAttributes(type, wanted);
  if (!isSame && inside !== null) arrange(transaction, type, wanted, inside);
}
