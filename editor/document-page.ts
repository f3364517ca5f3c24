import type { ApiClient } from "../client/api.ts";
import { type Collaboration, createCollaboration } from "../client/index.ts";
import { DIAGRAM } from "../schema/document-schema.ts";
import { codeOf, type Me, type Page } from "./client.ts";
import { colourOf } from "./colours.ts";
import { createDiagramEditor } from "./diagram-editor.ts";
import { createDocumentTitle, type DocumentTitle } from "./document-title.ts";
import { element } from "./dom.ts";
import { account, frame } from "./frame.ts";
import { showMessage } from "./message.ts";
import { followNetwork } from "./network.ts";
import { createPeopleHere } from "./people-here.ts";
import { createSaveStatus, type SaveStatusView } from "./save-status.ts";
import { onSignedOutElsewhere, readToken } from "./session.ts";
import { shareButton } from "./share-dialog.ts";
import { createTextEditor } from "./text-editor.ts";
import { createToolbar } from "./toolbar.ts";
import { warnOfUnsavedEdits } from "./unsaved-edits.ts";

type Opened = Awaited<ReturnType<ApiClient["getDocument"]>>;

/** Shows one document to read or to write, live, with everybody else who has it open. */
export async function showDocumentPage(page: Page, documentId: string): Promise<void> {
  const opened = await open(page, documentId);
  if (opened === null) return;
  const mayEdit = opened.body.rights.includes("edit");
  const collaboration = createCollaboration({
    url: "/collaboration",
    documentId,
    // Asked at every connection: somebody who signs in again in another tab goes on here.
    token: () => readToken() ?? "",
  });
  const permission = followPermission(collaboration, mayEdit);
  const status = createSaveStatus(collaboration, () => !permission.mayEdit());
  const title = createDocumentTitle(page.client, opened, documentId);
  const text = element("main", { className: "document", ariaBusy: "true" });
  page.body.replaceChildren(...layout(page, { opened, collaboration, status, title, text }));
  warnOfUnsavedEdits(collaboration);
  followNetwork(collaboration);
  onSignedOutElsewhere(() => endAtSignOut(collaboration));
  const apply = fill(text, { collaboration, opened, me: page.me, mayEdit: permission.mayEdit });
  permission.onChange(() => {
    title.setEditable(permission.mayEdit());
    apply();
    status.refresh();
  });
  title.setEditable(permission.mayEdit());
}

/** Without a token the server refuses the document, and what can be done about a refusal is shown. */
function endAtSignOut(collaboration: Collaboration): void {
  if (collaboration.status !== "rejected") collaboration.reconnect();
}

/** Null when there is nothing to show, and that was said. */
async function open({ body, client }: Page, documentId: string): Promise<Opened | null> {
  try {
    return await client.getDocument({ params: { documentId } });
  } catch (error) {
    if (codeOf(error) !== "document_not_found") throw error;
    showMessage(body, {
      title: "There is no such document",
      text: "It was deleted, or it is not shared with you.",
    });
    return null;
  }
}

type Layout = {
  opened: Opened;
  collaboration: Collaboration;
  status: SaveStatusView;
  title: DocumentTitle;
  text: HTMLElement;
};

function layout(page: Page, { opened, collaboration, status, title, text }: Layout): HTMLElement[] {
  const { awareness } = collaboration;
  const share = shareButton(page.client, opened.body);
  const bar = frame([
    status.view,
    awareness === null ? null : createPeopleHere(awareness),
    share,
    account(page),
  ]);
  bar.classList.add("of-document");
  text.append(title.view);
  // The toolbar sticks below the bar, which is taller where its words need a second line.
  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--bar-height", `${bar.offsetHeight}px`);
  }).observe(bar);
  return [bar, createRefusal(collaboration), text];
}

/** What can be done about a refusal; empty while there is none. */
function createRefusal(collaboration: Collaboration): HTMLElement {
  const view = element("div", { className: "refusal", role: "alert", hidden: true });
  const again = element("button", { type: "button" }, "Connect again");
  again.addEventListener("click", () => collaboration.reconnect());
  const reload = element("button", { type: "button", onclick: () => location.reload() }, "Reload");
  const signIn = element("a", { href: "/", target: "_blank" }, "Sign in in another tab");
  collaboration.on("status", () => {
    const code = collaboration.rejection?.code;
    view.hidden = code === undefined;
    if (code === "unauthenticated") {
      const reason = readToken() === null ? "You signed out in another tab. " : "";
      view.replaceChildren(reason, signIn, ", then ", again);
    } else if (code === "document_not_found" || code === "not_found") {
      view.replaceChildren("What you see here is your last copy. If it was brought back: ", reload);
    } else {
      view.replaceChildren("Your last changes are not saved. Copy what you need, then ", reload);
    }
  });
  return view;
}

/** Whether one may write: what the list said at first, then what the server says at every connection. */
function followPermission(
  collaboration: Collaboration,
  initial: boolean,
): { mayEdit: () => boolean; onChange: (listener: () => void) => void } {
  let allowed = initial;
  const listeners: (() => void)[] = [];
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  collaboration.provider.on("authenticated", ({ scope }: { scope: string }) => {
    allowed = scope !== "readonly";
    tell();
  });
  collaboration.on("status", tell);
  return {
    // A document that was refused cannot be saved: nobody should type into the void.
    mayEdit: () => allowed && collaboration.status !== "rejected",
    onChange: (listener) => listeners.push(listener),
  };
}

type Filling = {
  collaboration: Collaboration;
  opened: Opened;
  me: Me;
  mayEdit: () => boolean;
};

/** Puts the editors in place when the content has arrived; answers how to apply a change of permission. */
function fill(main: HTMLElement, { collaboration, opened, me, mayEdit }: Filling): () => void {
  let apply = (): void => {};
  const { provider } = collaboration;
  const start = (): void => {
    provider.off("synced", start);
    main.ariaBusy = "false";
    const place = element("div", { className: "text" });
    const user = { name: me.user.name, colour: colourOf(me.user.id) };
    const editor = createTextEditor({ place, collaboration, me: user, editable: mayEdit() });
    const source = collaboration.document.getText(DIAGRAM);
    const diagram =
      opened.body.type === "system_diagram" ? createDiagramEditor(source, mayEdit()) : null;
    main.prepend(createToolbar(editor));
    main.append(...(diagram === null ? [place] : [diagram.view, place]));
    apply = () => {
      if (editor.isEditable !== mayEdit()) editor.setEditable(mayEdit());
      diagram?.setEditable(mayEdit());
    };
  };
  provider.on("synced", start);
  return () => apply();
}
