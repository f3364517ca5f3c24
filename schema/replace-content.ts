import type { JSONContent } from "@tiptap/core";
import type { Node } from "@tiptap/pm/model";
import { updateYFragment } from "@tiptap/y-tiptap";
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
import { replaceWords } from "./text-edits.ts";

/** Which types stand for which nodes, for `updateYFragment`. */
type Mapping = Parameters<typeof updateYFragment>[3]["mapping"];

/** What becomes of a unit of the new content: made from `before`, or new where that is null. */
type Plan = {
  readonly before: YjsUnit | null;
  readonly kind: string;
  /** True when all of it is as it is to be. */
  readonly isSame: boolean;
  /** What to do inside an element that was there; null for a text, and for what is new. */
  readonly inside: PlanOfChildren | null;
  readonly text: string;
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
  doc.transact(() => {
    arrange(fragment, plan);
    // Every unit now has its counterpart at the same place, so this writes attributes, marks and what is new.
    // It takes its own view of what is equal: what is in the mapping it leaves alone.
    const mapping: Mapping = new Map();
    keepSame(mapping, node, plan.plans);
    updateYFragment(doc, fragment, node, { mapping, isOMark: new Map() });
  });
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
  const { kind, text, nodes } = after;
  if (before === null || kind === TEXT_KIND) {
    return { before, kind, text, nodes, inside: null, isSame: before?.own === after.own };
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
  return { before, kind, text, nodes: withIds, inside, isSame };
}

/** Leaves in `parent` what stays, in its place, and empty types where something is new. */
function arrange(parent: Y.XmlFragment, { removed, plans }: PlanOfChildren): void {
  // A text that is to be empty stays: others may be writing in it (y-prosemirror issue 108).
  const isEmptied = plans.length === 0 && parent.length === 1 && parent.get(0) instanceof Y.XmlText;
  const gone = new Set<unknown>(isEmptied ? [] : removed.map(({ type }) => type));
  const types = parent.toArray();
  for (let index = types.length - 1; index >= 0; index -= 1) {
    if (gone.has(types[index])) parent.delete(index, 1);
  }
  for (const [index, { before, kind, text, inside, isSame }] of plans.entries()) {
    if (before === null) {
      parent.insert(index, [kind === TEXT_KIND ? new Y.XmlText() : new Y.XmlElement(kind)]);
    } else if (isSame) continue;
    else if (before.type instanceof Y.XmlText) replaceWords(before.type, text);
    else if (inside !== null) arrange(before.type, inside);
  }
}

function keepSame(mapping: Mapping, parent: Node, plans: readonly Plan[]): void {
  let index = 0;
  for (const { before, nodes, inside, isSame } of plans) {
    const children = nodes.map((_, offset) => parent.child(index + offset));
    index += nodes.length;
    const [child] = children;
    if (before === null || child === undefined) continue;
    if (before.type instanceof Y.XmlText) {
      if (isSame) mapping.set(before.type, children);
    } else if (isSame && (child.attrs["id"] ?? null) === before.id) {
      mapping.set(before.type, child);
    } else if (inside !== null) keepSame(mapping, child, inside.plans);
  }
}
