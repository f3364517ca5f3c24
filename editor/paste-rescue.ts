import { Extension } from "@tiptap/core";
import { Plugin, PluginKey } from "@tiptap/pm/state";
import type { EditorView } from "@tiptap/pm/view";
import { notify } from "./notice.ts";

/**
 * Nothing that is pasted gets lost without a word: what cannot be inserted as it looks is inserted as plain text, and
 * it is said when nothing can be.
 */
export const PasteRescue = Extension.create({
  name: "pasteRescue",
  addProseMirrorPlugins: () => [
    new Plugin({
      key: new PluginKey("pasteRescue"),
      props: {
        // An empty slice would only delete what is selected.
        handlePaste: (view, { clipboardData }, slice) =>
          slice.size === 0 && clipboardData !== null && pastePlain(view, clipboardData),
      },
      view: (view) => {
        // After ProseMirror's own listener, which prevents the browser's paste unless it has failed.
        const rescue = (event: ClipboardEvent): void => {
          const { clipboardData, defaultPrevented } = event;
          const isHandled = defaultPrevented || view.composing || !view.editable;
          if (isHandled || clipboardData === null) return;
          if (pastePlain(view, clipboardData)) event.preventDefault();
        };
        view.dom.addEventListener("paste", rescue);
        return { destroy: () => view.dom.removeEventListener("paste", rescue) };
      },
    }),
  ],
});

/** False when there is nothing that anybody would miss. */
function pastePlain(view: EditorView, pasted: DataTransfer): boolean {
  const html = pasted.getData("text/html");
  const text = pasted.getData("text/plain") || wordsIn(html);
  if (text.trim() !== "") return view.pasteText(text);
  if (pasted.files.length === 0 && !/<img\b/iu.test(html)) return false;
  notify("Images cannot be pasted here. Insert one by its address, which begins with https://.");
  return true;
}

function wordsIn(html: string): string {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  for (const code of body.querySelectorAll("script, style")) code.remove();
  return body.textContent ?? "";
}
