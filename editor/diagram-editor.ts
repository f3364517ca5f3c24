import * as Y from "yjs";
import { element } from "./dom.ts";
import { movedBy, textChange } from "./text-change.ts";

/** The Mermaid source of a diagram, to read and to write. */
export type DiagramEditor = { readonly view: HTMLElement; setEditable(editable: boolean): void };

/** Binds a plain text field to a Yjs text, both ways; several people can type in it. */
export function createDiagramEditor(source: Y.Text, editable: boolean): DiagramEditor {
  const field = element("textarea", {
    id: "diagram",
    className: "diagram",
    spellcheck: false,
    rows: 12,
    readOnly: !editable,
    placeholder: "graph TD\n  Idea --> Document",
    value: source.toJSON(),
  });
  const here = {};
  bind(field, source, here);
  const undo = new Y.UndoManager(source, { trackedOrigins: new Set([here]) });
  field.addEventListener("keydown", (event) => {
    if (field.readOnly || !(event.ctrlKey || event.metaKey)) return;
    const key = event.key.toLowerCase();
    const isRedo = key === "y" || (key === "z" && event.shiftKey);
    if (key !== "z" && !isRedo) return;
    // The field's own undo knows nothing of what others typed.
    event.preventDefault();
    if (isRedo) undo.redo();
    else undo.undo();
  });
  const label = element("label", { htmlFor: field.id }, "Diagram, as Mermaid source");
  return {
    view: element("section", { className: "diagram-part" }, label, field),
    setEditable: (allowed) => {
      field.readOnly = !allowed;
    },
  };
}

function bind(field: HTMLTextAreaElement, source: Y.Text, here: object): void {
  field.addEventListener("input", () => {
    const change = textChange(source.toJSON(), field.value, field.selectionEnd);
    if (change === null) return;
    const { index, deleted, inserted } = change;
    source.doc?.transact(() => {
      source.delete(index, deleted);
      source.insert(index, inserted);
    }, here);
  });
  source.observe(({ delta, transaction }) => {
    if (transaction.origin === here) return;
    const { selectionStart, selectionEnd, scrollTop } = field;
    field.value = source.toJSON();
    // Setting the selection of a field without focus would take the focus in some browsers.
    if (document.activeElement === field) {
      field.setSelectionRange(movedBy(delta, selectionStart), movedBy(delta, selectionEnd));
    }
    field.scrollTop = scrollTop;
  });
}
