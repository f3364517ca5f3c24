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

/** What becomes of a unit of the new content: made from `before`, or new where that is null. */
export type Plan = {
  readonly before: YjsUnit | null;
  /** True when all of it is as it is to be. */
  readonly isSame: boolean;
  /** What to do inside an element that was there; null for a text, and for what is new. */
  readonly inside: PlanOfChildren | null;
  /** With the ids of what it was made from. */
  readonly nodes: readonly JSONContent[];
};

/** … and of the children of a parent: which go, and what the new ones are made from, in their order. */
export type PlanOfChildren = {
  readonly removed: readonly YjsUnit[];
  readonly plans: readonly Plan[];
};

/** How a document's content becomes another. */
export type ContentPlan = {
  readonly children: PlanOfChildren;
  /** The content as it is to be, in Yjs: what is new is copied from it, as a whole. Destroy its document after use. */
  readonly wanted: Y.XmlFragment;
};

/** Plans how the document gets this content, which must fit the schema (`parseContent` first). Changes nothing. */
export function planContent(doc: Y.Doc, content: JSONContent): ContentPlan {
  const numbers = createNumbers();
  const before = yjsUnits(doc.getXmlFragment(FRAGMENT), numbers);
  const children = planChildren(before, contentUnits(distinct(content), numbers));
  const planned = { ...content, content: children.plans.flatMap(({ nodes }) => nodes) };
  const node = documentSchema.nodeFromJSON(withBlockIds(planned));
  const wanted = new Y.Doc().getXmlFragment(FRAGMENT);
  prosemirrorToYXmlFragment(node, wanted);
  return { children, wanted };
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
