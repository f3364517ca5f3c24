import { Extension } from "@tiptap/core";
import {
  NodeSelection,
  Plugin,
  PluginKey,
  TextSelection,
  type EditorState,
  type Transaction,
} from "@tiptap/pm/state";
import { comesFromYjs } from "./comes-from-yjs.ts";

/**
 * Puts the caret behind an image that this person has just inserted or pasted. ProseMirror leaves it selected where no
 * text follows, and the next key would replace it.
 */
export const CaretAfterImage = Extension.create({
  name: "caretAfterImage",
  addProseMirrorPlugins: () => [
    new Plugin({ key: new PluginKey("caretAfterImage"), appendTransaction: goOn }),
  ],
});

function goOn(
  transactions: readonly Transaction[],
  _before: EditorState,
  { selection, schema, tr }: EditorState,
): Transaction | null {
  const paragraph = schema.nodes["paragraph"];
  if (!transactions.some(inserts) || transactions.some(comesFromYjs)) return null;
  if (!(selection instanceof NodeSelection) || paragraph === undefined) return null;
  if (selection.node.type.name !== "image") return null;
  const { $to } = selection;
  if ($to.nodeAfter?.isTextblock !== true) tr.insert($to.pos, paragraph.create());
  return tr.setSelection(TextSelection.create(tr.doc, $to.pos + 1)).scrollIntoView();
}

/** What is dropped stays selected: it may have been moved, and is moved on. */
const inserts = (transaction: Transaction): boolean =>
  transaction.docChanged && transaction.getMeta("uiEvent") !== "drop";
