import type { JSONContent } from "@tiptap/core";
import * as Y from "yjs";

import { planContent, type Plan, type PlanOfChildren } from "./content-plan.ts";
import type { YjsUnit } from "./content-units.ts";
import { FRAGMENT } from "./document-schema.ts";
import { replaceText } from "./formatted-text.ts";

import { setAttributes } from "./yjs-attributes.ts";

/**
 * Gives a document this content, which must fit the schema (`parseContent` first), by a forward edit: blocks that are
 * in both keep their Yjs items and ids, also those around which others were moved or made; in a text only the words
 * that differ are replaced. What others write meanwhile merges with it. Changes nothing where nothing differs.
 */
export function replaceContent(doc: Y.Doc, content: JSONContent): void {
  const { children, wanted } = planContent(doc, content);
  doc.transact((transaction) => {
    arrange(transaction, doc.getXmlFragment(FRAGMENT), wanted, children);
  });
  wanted.doc?.destroy();
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
