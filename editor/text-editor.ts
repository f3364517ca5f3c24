import { Editor } from "@tiptap/core";
import { Collaboration as CollaborationExtension } from "@tiptap/extension-collaboration";
import type { Collaboration } from "../client/collaboration.ts";
import { documentExtensions, FRAGMENT } from "../schema/document-schema.ts";
import { CaretAfterImage } from "./caret-after-image.ts";
import { carets } from "./carets.ts";
import type { Somebody } from "./colours.ts";
import { FreshBlockIds } from "./fresh-block-ids.ts";
import { PasteRescue } from "./paste-rescue.ts";
import { PastedStyles } from "./pasted-styles.ts";

/** What a text editor is made for. */
export type TextEditorOptions = {
  readonly place: HTMLElement;
  readonly collaboration: Collaboration;
  readonly me: Somebody;
  readonly editable: boolean;
};

/** The document's text in an editor that has the server's schema. Undo takes back what this person did, no more. */
export const createTextEditor = ({
  place,
  collaboration,
  me,
  editable,
}: TextEditorOptions): Editor =>
  new Editor({
    element: place,
    editable,
    // It would write a style element, which the CSP refuses; styles/editor.css says the same.
    injectCSS: false,
    extensions: [
      ...documentExtensions,
      FreshBlockIds,
      CaretAfterImage,
      PastedStyles,
      PasteRescue,
      CollaborationExtension.configure({
        fragment: collaboration.document.getXmlFragment(FRAGMENT),
        provider: collaboration.provider,
      }),
      ...carets(collaboration, me),
    ],
    editorProps: {
      attributes: {
        role: "textbox",
        "aria-multiline": "true",
        "aria-label": "Text of the document",
      },
    },
  });
