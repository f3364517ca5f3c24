/** The page of the host application: Tiptap and the stock provider, with the token its own server signed. */
import { HocuspocusProvider } from "@hocuspocus/provider";
import { Editor } from "@tiptap/core";
import { Collaboration } from "@tiptap/extension-collaboration";
import { CollaborationCaret } from "@tiptap/extension-collaboration-caret";
import { documentExtensions } from "../../../schema/document-schema.ts";

type Session = { url: string; name: string; token: string; user: string };

const fetchSession = async (): Promise<Session> =>
  (await fetch("/session")).json() as Promise<Session>;
const show = (id: string, text: string): void => {
  const element = document.getElementById(id);
  if (element !== null) element.textContent = text;
};

const { url, name, user } = await fetchSession();
const provider = new HocuspocusProvider({
  url,
  name,
  // Asked for at every connection, and by the server before one expires: a token may be short-lived.
  token: async () => (await fetchSession()).token,
  onStatus: ({ status }) => show("status", status),
  onAuthenticationFailed: ({ reason }) => {
    show("status", reason);
    // Or the stock provider would come back once a second.
    provider.destroy();
  },
});
show("user", user);
const editor = new Editor({
  element: document.getElementById("editor"),
  extensions: [
    ...documentExtensions,
    Collaboration.configure({ document: provider.document }),
    CollaborationCaret.configure({ provider, user: { name: user, color: "#3b6ea5" } }),
  ],
});
addEventListener("pagehide", () => {
  editor.destroy();
  provider.destroy();
});
