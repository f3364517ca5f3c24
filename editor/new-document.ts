import type { ApiClient } from "../client/api.ts";
import { DOCUMENT_TYPES, type DocumentType } from "../schema/closed-sets.ts";
import { labelled, openForm, selection } from "./dialog.ts";
import { DOCUMENT_TYPE_WORDS } from "./document-types.ts";
import { element } from "./dom.ts";
import { idempotencyKeys } from "./idempotency-keys.ts";
import type { Project } from "./paged-list.ts";

/** Asks for a title and a type, makes the document and opens it. */
export function newDocumentButton(
  client: ApiClient,
  { id: projectId, name }: Project,
): HTMLElement {
  const onclick = (): void => {
    const title = element("input", { required: true, maxLength: 200 });
    const type = selection(
      DOCUMENT_TYPES.map((each) => [each, DOCUMENT_TYPE_WORDS[each]] as const),
    );
    const keyFor = idempotencyKeys();
    openForm({
      title: `New document in ${name}`,
      fields: [labelled("Title", title), labelled("Type", type)],
      action: "Make it",
      send: async () => {
        const body = { title: title.value, type: type.value as DocumentType };
        const answer = await client.createDocument(
          { params: { projectId }, body },
          { idempotencyKey: keyFor(body) },
        );
        location.assign(`/documents/${answer.body.id}`);
      },
    });
  };
  return element(
    "button",
    { type: "button", ariaLabel: `New document in ${name}`, onclick },
    "New document",
  );
}
