import type { ApiClient } from "../client/api.ts";
import type { Right, Role } from "../schema/roles.ts";
import { actionButton } from "./action.ts";
import { codeOf, sentenceOf } from "./client.ts";
import { labelled, openDialog, selection } from "./dialog.ts";
import { element } from "./dom.ts";
import { notify } from "./notice.ts";
import { fillPaged, pageQuery } from "./paged-list.ts";

/** A project, or a document in it: people are let into projects. */
export type Shared = { readonly projectId: string; readonly rights: readonly Right[] };

const ROLE_WORDS: readonly (readonly [Role, string])[] = [
  ["viewer", "may read"],
  ["reviewer", "may comment"],
  ["editor", "may write"],
  ["owner", "may share"],
];

type Collaborator = Awaited<ReturnType<ApiClient["getCollaborator"]>>["body"];

/** Opens the dialog in which others are let in; null for somebody who may not. */
export function shareButton(client: ApiClient, { projectId, rights }: Shared): HTMLElement | null {
  if (!rights.includes("manage")) return null;
  const work = (): Promise<void> => openShareDialog(client, projectId);
  return actionButton({ text: "Share" }, work);
}

async function openShareDialog(client: ApiClient, projectId: string): Promise<void> {
  const { body: project } = await client.getProject({ params: { projectId } });
  const list = element("ul", { className: "people-list", ariaLabel: "Who has access" });
  const show = (one: Collaborator): HTMLElement => collaboratorRow(client, projectId, one);
  const more = await fillPaged({
    list,
    load: async (cursor) => {
      const call = { params: { projectId }, query: pageQuery(cursor) };
      const { body } = await client.listCollaborators(call);
      return { entries: body.collaborators, nextCursor: body.nextCursor };
    },
    show,
    more: "More people",
  });
  openDialog(`Share “${project.name}”`, [
    element(
      "p",
      { className: "hint" },
      "People get in by project: whoever is let in sees all of its documents.",
    ),
    invitation(client, projectId, (added) => list.prepend(show(added))),
    list,
    more,
    element(
      "p",
      { className: "hint" },
      "Members of the organization can read this too; its admins own it.",
    ),
  ]);
}

function invitation(
  client: ApiClient,
  projectId: string,
  onAdded: (one: Collaborator) => void,
): HTMLElement {
  const email = element("input", {
    type: "email",
    required: true,
    placeholder: "name@example.com",
  });
  const role = selection(ROLE_WORDS, "editor");
  const failure = element("p", { role: "alert", className: "warning", hidden: true });
  const form = element(
    "form",
    { className: "invitation" },
    labelled("E-mail of somebody who is known here", email),
    labelled("Role", role),
    failure,
    element("div", { className: "actions" }, element("button", { className: "primary" }, "Share")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = { email: email.value.trim(), role: role.value as Role };
    client
      .addCollaborator({ params: { projectId }, body })
      .then(({ body: added }) => {
        failure.hidden = true;
        email.value = "";
        onAdded(added);
      })
      .catch((error: unknown) => {
        failure.textContent = refusalOf(error);
        failure.hidden = false;
      });
  });
  return form;
}

const refusalOf = (error: unknown): string =>
  codeOf(error) === "not_found"
    ? "Nobody here has this address. Whoever runs the server can make the account: npm run admin -- user create <e-mail>"
    : sentenceOf(error);

function collaboratorRow(client: ApiClient, projectId: string, one: Collaborator): HTMLElement {
  const params = { projectId, userId: one.userId };
  const role = selection(ROLE_WORDS, one.role);
  role.ariaLabel = `Role of ${one.name}`;
  let current = one.role;
  role.addEventListener("change", () => {
    const wanted = role.value as Role;
    client
      .updateCollaborator({ params, body: { role: wanted } })
      .then(() => {
        current = wanted;
      })
      .catch((error: unknown) => {
        role.value = current;
        notify(sentenceOf(error));
      });
  });
  const row = element(
    "li",
    {},
    element(
      "span",
      { className: "who" },
      one.name,
      element("span", { className: "who-email" }, one.email),
    ),
    role,
    actionButton({ text: "Remove", className: "quiet", label: `Remove ${one.name}` }, async () => {
      await client.removeCollaborator({ params });
      row.remove();
    }),
  );
  return row;
}
