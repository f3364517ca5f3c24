import type { Editor } from "@tiptap/core";
import { isImageUrl, isLinkUrl } from "../schema/content-url.ts";
import { labelled, openForm } from "./dialog.ts";
import { element } from "./dom.ts";

/** Asks where the selection should lead; an empty answer takes the link away. */
export function askForLink(editor: Editor): void {
  const { href } = editor.getAttributes("link") as { href?: string };
  const { empty } = editor.state.selection;
  const field = element("input", { type: "text", value: href ?? "", placeholder: "https://…" });
  openForm({
    title: "Link",
    fields: [
      labelled("Address (nothing: no link)", field),
      empty && href === undefined
        ? element(
            "p",
            { className: "hint" },
            "Nothing is selected: the address itself is inserted.",
          )
        : null,
    ],
    action: "Set",
    send: async () => setLink(editor, field.value.trim()),
  });
}

function setLink(editor: Editor, typed: string): void {
  const chain = editor.chain().focus().extendMarkRange("link");
  if (typed === "") {
    chain.unsetLink().run();
    return;
  }
  const href = typed.includes(":") ? typed : `https://${typed}`;
  if (!isLinkUrl(href)) throw new Error("A link begins with https://, http:// or mailto:.");
  if (editor.state.selection.empty && !editor.isActive("link")) {
    const content = { type: "text", text: typed, marks: [{ type: "link", attrs: { href } }] };
    chain.insertContent(content).run();
  } else chain.setLink({ href }).run();
}

/** Asks for the address of an image and a text for who cannot see it. */
export function askForImage(editor: Editor): void {
  const src = element("input", { type: "url", required: true, placeholder: "https://…" });
  const alt = element("input", { type: "text", maxLength: 2000 });
  openForm({
    title: "Image",
    fields: [labelled("Address", src), labelled("What it shows", alt)],
    action: "Insert",
    send: async () => {
      const address = src.value.trim();
      // The page's CSP loads images from https alone.
      if (!isImageUrl(address) || !address.startsWith("https:")) {
        throw new Error("The address of an image begins with https://.");
      }
      editor.chain().focus().setImage({ src: address, alt: alt.value.trim() }).run();
    },
  });
}
