import type { Page } from "./client.ts";
import { element } from "./dom.ts";
import { account, frame } from "./frame.ts";
import { newProjectButton } from "./new-project.ts";
import { allOf, fillPaged, type Organization, pageQuery } from "./paged-list.ts";
import { projectSection } from "./project-section.ts";

/** What a signed-in person has: his projects, and the documents in each. */
export async function showHomePage(page: Page): Promise<void> {
  const { client, body } = page;
  document.title = "Documents – Scriptorium";
  const organizations = await allOf<Organization>(async (cursor) => {
    const { body: answer } = await client.listOrganizations({ query: pageQuery(cursor) });
    return { entries: answer.organizations, nextCursor: answer.nextCursor };
  });
  const names = new Map(organizations.map(({ id, name }) => [id, name]));
  const list = element("div", { className: "projects" });
  const more = await fillPaged({
    list,
    load: async (cursor) => {
      const { body: answer } = await client.listProjects({ query: pageQuery(cursor) });
      return { entries: answer.projects, nextCursor: answer.nextCursor };
    },
    show: (project) => {
      const organization = names.get(project.organizationId);
      // In one organization alone its name would only repeat itself.
      return projectSection(client, project, names.size > 1 ? organization : undefined);
    },
    more: "More projects",
  });
  const managed = organizations.filter(({ rights }) => rights.includes("manage"));
  const main = element(
    "main",
    { className: "home" },
    element(
      "div",
      { className: "home-head" },
      element("h1", {}, "Documents"),
      newProjectButton(client, managed),
    ),
    list,
    list.childElementCount === 0 ? nothing(managed.length > 0) : null,
    more,
  );
  body.replaceChildren(frame([account(page)]), main);
}

const nothing = (mayMake: boolean): HTMLElement =>
  element(
    "p",
    { className: "empty project" },
    mayMake
      ? "There is no project yet. Make the first one."
      : "There is nothing here for you yet. Ask somebody to share a project with you.",
  );
