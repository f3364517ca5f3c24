import type { Extensions } from "@tiptap/core";
import { CollaborationCaret } from "@tiptap/extension-collaboration-caret";
import type { Collaboration } from "../client/collaboration.ts";
import { somebody, type Somebody } from "./colours.ts";
import { element } from "./dom.ts";

/** The others' carets and selections, with names and colours; and ours for them. */
export const carets = ({ provider }: Collaboration, me: Somebody): Extensions => [
  CollaborationCaret.configure({
    provider,
    user: { name: me.name, color: me.colour },
    render: (user) => {
      const { name, colour } = somebody(user);
      const label = element("span", { className: "caret-label" }, name);
      // Written through the object model: the CSP refuses style attributes.
      label.style.backgroundColor = colour;
      const caret = element("span", { className: "caret" }, label);
      caret.style.borderColor = colour;
      return caret;
    },
    selectionRender: (user) => ({
      class: "caret-selection",
      style: `background-color: ${somebody(user).colour}40`,
    }),
  }),
];
