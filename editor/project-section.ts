import type { ApiClient } from "../client/api.ts";
import { attempt } from "./action.ts";
import { documentRow } from "./document-row.ts";
import { element } from "./dom.ts";
import { newDocumentButton } from "./new-document.ts";
import { type Document, fillPaged, pageQuery, type Project } from "./paged-list.ts";
import { shareButton } from "./share-dialog.ts";

/** A project and its documents; what was changed last comes first. `organization`: named where there are several. */
export function projectSection(
  client: ApiClient,
  project: Project,
  organization: string | undefined,
): HTMLElement {
  const list = element("ul", { className: "documents" });
  const heading = element("h2", { id: `project-${project.id}` }, project.name);
  const section = element(
    "section",
    { className: "project", ariaBusy: "true" },
    element(
      "div",
      { className: "project-head" },
      heading,
      organization === undefined ? null : element("span", { className: "hint" }, organization),
      shareButton(client, { ...project, projectId: project.id }),
      project.rights.includes("edit") ? newDocumentButton(client, project) : null,
    ),
    list,
  );
  section.setAttribute("aria-labelledby", heading.id);
  attempt(() => fill(client, { project, list, section }));
  return section;
}

type Filling = { project: Project; list: HTMLElement; section: HTMLElement };

async function fill(client: ApiClient, { project, list, section }: Filling): Promise<void> {
  const params = { projectId: project.id };
  // `updatedAt` moves while people type, so that a page could bring one again.
  const shown = new Set<string>();
  const more = await fillPaged<Document>({
    list,
    load: async (cursor) => {
      const query = { order: "-updatedAt", ...pageQuery(cursor) } as const;
      const { body } = await client.listDocuments({ params, query });
      const entries = body.documents.filter(({ id }) => !shown.has(id));
      for (const { id } of entries) shown.add(id);
      return { entries, nextCursor: body.nextCursor };
    },
    show: (document) => documentRow(client, document),
    more: "More documents",
  });
  const empty = element("p", { className: "empty" }, "No documents yet.");
  section.ariaBusy = "false";
  section.append(...(list.childElementCount === 0 ? [empty] : [more]));
}
