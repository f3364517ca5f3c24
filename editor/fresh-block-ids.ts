import { Extension } from "@tiptap/core";
import type { Node } from "@tiptap/pm/model";
import { Plugin, PluginKey, type EditorState, type Transaction } from "@tiptap/pm/state";
import { newBlockId } from "../schema/block-ids.ts";
import { comesFromYjs } from "./comes-from-yjs.ts";

/**
 * Gives the top-level blocks that this person makes an id of their own: a new paragraph, the second half of a split
 * one, a pasted copy. What others make, they name; so two browsers never name one block.
 */
export const FreshBlockIds = Extension.create({
  name: "freshBlockIds",
  addProseMirrorPlugins: () => [
    new Plugin({ key: new PluginKey("freshBlockIds"), appendTransaction: nameBlocks }),
  ],
});

function nameBlocks(
  transactions: readonly Transaction[],
  _before: EditorState,
  state: EditorState,
): Transaction | null {
  const typedHere = transactions.some((each) => each.docChanged && !comesFromYjs(each));
  if (!typedHere || transactions.some(comesFromYjs)) return null;
  const nameless = namelessBlocks(state.doc);
  if (nameless.length === 0) return null;
  const naming = state.tr;
  for (const position of nameless) naming.setNodeAttribute(position, "id", newBlockId());
  return naming;
}

/** Where the blocks start that have no id, or the id of an earlier one. */
function namelessBlocks(doc: Node): number[] {
  const seen = new Set<unknown>();
  const positions: number[] = [];
  doc.forEach((block, offset) => {
    if (!("id" in block.attrs)) return;
    const id: unknown = block.attrs["id"];
    if (id === null || seen.has(id)) positions.push(offset);
    seen.add(id);
  });
  return positions;
}
