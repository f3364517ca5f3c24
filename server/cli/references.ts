import { createOrganization, createProject } from "../../persistence/accounts.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import {
  findOrganization,
  findProject,
  findUser,
  type FoundProject,
  type FoundUser,
} from "../../persistence/lookup.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import { requireSlug, type ProjectSlugs } from "./arguments.ts";

/** The user with this address. @throws ScriptoriumError `not_found`. */
export async function userOf(sql: SqlOrTransaction, email: string): Promise<FoundUser> {
  const user = await findUser(sql, email);
  if (user === null) throw new ScriptoriumError("not_found", `No user ${email}`);
  return user;
}

/** The organization of this slug, made first if `create` and there is none. @throws ScriptoriumError `not_found`. */
export async function organizationOf(
  sql: SqlOrTransaction,
  slug: string,
  { create = false }: { create?: boolean } = {},
): Promise<string> {
  const organizationId = await findOrganization(sql, slug);
  if (organizationId !== null) return organizationId;
  if (create) return createOrganization(sql, { name: slug, slug: requireSlug(slug) });
  throw new ScriptoriumError("not_found", `No organization "${slug}"; --create makes one`);
}

/** The project of these slugs, made first if `create` and there is none. @throws ScriptoriumError `not_found`. */
export async function projectOf(
  sql: SqlOrTransaction,
  slugs: ProjectSlugs,
  { create = false }: { create?: boolean } = {},
): Promise<FoundProject> {
  const { organization, project } = slugs;
  const found = await findProject(sql, slugs);
  if (found !== null) return found;
  const organizationId = await findOrganization(sql, organization);
  if (organizationId === null) {
    throw new ScriptoriumError("not_found", `No organization "${organization}"`);
  }
  if (!create) throw new ScriptoriumError("not_found", `No project "${organization}/${project}"`);
  const slug = requireSlug(project);
  const projectId = await createProject(sql, { organizationId, name: project, slug });
  return { organizationId, projectId };
}
