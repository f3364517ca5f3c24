import type { ApiClient } from "../client/api.ts";
import { labelled, openForm, selection } from "./dialog.ts";
import { element } from "./dom.ts";
import { idempotencyKeys } from "./idempotency-keys.ts";
import type { Organization } from "./paged-list.ts";

/** Makes a project in one of the organizations that this person manages; null where there is none. */
export function newProjectButton(
  client: ApiClient,
  organizations: readonly Organization[],
): HTMLElement | null {
  const [first] = organizations;
  if (first === undefined) return null;
  const onclick = (): void => {
    const name = element("input", { required: true, maxLength: 200 });
    const where = selection(organizations.map(({ id, name: words }) => [id, words] as const));
    const keyFor = idempotencyKeys();
    // Made once: the same name sent again is the same request.
    const ending = crypto.randomUUID().slice(0, 6);
    openForm({
      title: "New project",
      fields: [
        labelled("Name", name),
        organizations.length > 1 ? labelled("Organization", where) : null,
      ],
      action: "Make it",
      send: async () => {
        const params = { organizationId: where.value };
        const body = { name: name.value, slug: slugOf(name.value, ending) };
        await client.createProject({ params, body }, { idempotencyKey: keyFor([params, body]) });
        location.reload();
      },
    });
  };
  return element("button", { type: "button", onclick }, "New project");
}

const MAX_SLUG_STEM = 80;

/** A readable address, with an ending of its own so that two projects of one name can be. */
function slugOf(name: string, ending: string): string {
  const stem = name
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/\p{Mark}/gu, "")
    .replaceAll(/[^a-z0-9]+/gu, "-")
    .slice(0, MAX_SLUG_STEM)
    .replaceAll(/^-|-$/gu, "");
  return stem === "" ? `project-${ending}` : `${stem}-${ending}`;
}
