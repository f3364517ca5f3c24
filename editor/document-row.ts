import type { ApiClient } from "../client/api.ts";
import { actionButton, attempt } from "./action.ts";
import { renameDocument } from "./rename-document.ts";
import { labelled, openForm } from "./dialog.ts";
import { DOCUMENT_TYPE_WORDS } from "./document-types.ts";
import { element } from "./dom.ts";
import { notify } from "./notice.ts";
import type { Document } from "./paged-list.ts";

/** One document in the list: its title leads to it, beside it what may be done with it. */
export function documentRow(client: ApiClient, document: Document): HTMLElement {
  const name = element("span", { className: "document-name" }, document.title);
  const facts = `${DOCUMENT_TYPE_WORDS[document.type]} · ${whenChanged(document.updatedAt)}`;
  const link = element(
    "a",
    { className: "document-link", href: `/documents/${document.id}` },
    name,
    element("span", { className: "document-facts" }, facts),
  );
  const row = element("li", {}, link);
  if (document.rights.includes("edit")) {
    const label = (words: string): string => `${words} ${name.textContent ?? ""}`;
    row.append(
      element(
        "span",
        { className: "document-tools" },
        actionButton({ text: "Rename", className: "quiet", label: label("Rename") }, async () =>
          openRename(client, document.id, name),
        ),
        actionButton({ text: "Delete", className: "quiet", label: label("Delete") }, () =>
          remove(client, document.id, row),
        ),
      ),
    );
  }
  return row;
}

function openRename(client: ApiClient, documentId: string, name: HTMLElement): void {
  const before = name.textContent ?? "";
  const field = element("input", { required: true, maxLength: 200, value: before });
  openForm({
    title: "Rename",
    fields: [labelled("Title", field)],
    action: "Rename",
    send: async () => {
      const wanted = field.value.trim();
      const { now, renamed } = await renameDocument(client, { documentId, before, wanted });
      name.textContent = now;
      if (!renamed) notify(`Somebody else has just called it “${now}”. It was not renamed.`);
    },
  });
  field.select();
}

/** Nothing is lost, so nothing is asked: the notice offers the way back. */
async function remove(client: ApiClient, documentId: string, row: HTMLElement): Promise<void> {
  const params = { documentId };
  await client.deleteDocument({ params });
  row.hidden = true;
  const act = (): void =>
    attempt(async () => {
      await client.restoreDocument({ params });
      row.hidden = false;
    });
  notify("The document was deleted.", { text: "Undo", act });
}

const UNITS = [
  ["minute", 60],
  ["hour", 60],
  ["day", 24],
  ["month", 30],
  ["year", 12],
] as const;

/** "3 hours ago", in the reader's language. */
function whenChanged(moment: string): string {
  let amount = (Date.parse(moment) - Date.now()) / 1000;
  let unit: Intl.RelativeTimeFormatUnit = "second";
  for (const [next, size] of UNITS) {
    if (Math.abs(amount) < size) break;
    amount /= size;
    unit = next;
  }
  if (unit === "second") return "just now";
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(
    Math.round(amount),
    unit,
  );
}
