import type { ApiClient } from "../client/api.ts";
import { attempt } from "./action.ts";
import { element } from "./dom.ts";
import { notify } from "./notice.ts";
import { renameDocument } from "./rename-document.ts";

type Read = Awaited<ReturnType<ApiClient["getDocument"]>>;

/** The title of a document, and who may change it. */
export type DocumentTitle = { readonly view: HTMLElement; setEditable(editable: boolean): void };

/**
 * The title as a field that is saved when it is left, or at Enter. If somebody else renamed the document meanwhile
 * (If-Match), his title is shown and nothing is overwritten.
 */
export function createDocumentTitle(
  client: ApiClient,
  read: Read,
  documentId: string,
): DocumentTitle {
  let title = read.body.title;
  const look = { className: "document-title", ariaLabel: "Title", maxLength: 200 };
  // A text area: a long title is shown whole.
  const view = element("textarea", { ...look, rows: 1, autocomplete: "off" });
  const show = (now: string): void => {
    title = now;
    view.value = now;
    document.title = `${now} – Scriptorium`;
  };
  const save = async (): Promise<void> => {
    const wanted = view.value.replaceAll(/\s+/gu, " ").trim();
    if (wanted === "" || wanted === title) {
      show(title);
      return;
    }
    const { now, renamed } = await renameDocument(client, { documentId, before: title, wanted });
    show(now);
    if (!renamed) notify(`Somebody else has just called it “${now}”. Your title was not saved.`);
  };
  // What was typed stays in the field after a failure: it can be tried again.
  view.addEventListener("change", () => attempt(save));
  view.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      view.blur();
    }
    if (event.key === "Escape") view.value = title;
  });
  show(title);
  return {
    view,
    setEditable: (editable) => {
      view.readOnly = !editable;
    },
  };
}
