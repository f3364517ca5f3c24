import type { z } from "zod";
import { placeFor, reachOf } from "../../extensions/rights.ts";
import { roleOfMember } from "../../persistence/access.ts";
import { createOrganization, setMember } from "../../persistence/accounts.ts";
import {
  changeOrganization,
  organizationPage,
  readOrganization,
  removeOrganization,
  type StoredOrganization,
} from "../../persistence/organizations.ts";
import type { Organization } from "../../schema/api/organizations.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import { rightsOf, type Right } from "../../schema/roles.ts";
import { etagOf } from "./etag.ts";
import { cut, pageOf } from "./page.ts";
import type { Handlers, Shown } from "./serve.ts";

const shown = (
  { id, name, slug, createdAt, updatedAt }: StoredOrganization,
  rights: readonly Right[],
): Shown<z.output<typeof Organization>> => ({ id, name, slug, rights, createdAt, updatedAt });

/** May people make organizations, and choose their slugs? */
type Openness = { readonly mayMakeOrganizations: boolean };

/** The routes of `schema/api/organizations.ts`. */
export const organizationHandlers = (openness: Openness) =>
  ({ ...readingHandlers, ...writingHandlers(openness) }) satisfies Handlers;

const readingHandlers = {
  async listOrganizations({ sql, principal, query }) {
    const page = pageOf("name", query);
    const found = await organizationPage(sql, reachOf(principal), page);
    const { rows, nextCursor } = cut("name", page, found);
    const organizations = rows.flatMap(({ membership, ...row }) => {
      const role = roleOfMember(membership);
      const place = placeFor(principal, { organizationId: row.id, projectId: null, role });
      return place?.rights.includes("read") === true ? [shown(row, place.rights)] : [];
    });
    return { body: { organizations, nextCursor } };
  },

  async getOrganization({ sql, params, place }) {
    const body = shown(await readOrganization(sql, params.organizationId), place.rights);
    return { body, etag: etagOf(body) };
  },
} satisfies Handlers;

const writingHandlers = ({ mayMakeOrganizations }: Openness) =>
  ({
    async createOrganization({ sql, by, principal, body }) {
      if (!mayMakeOrganizations) throw closed();
      if (principal.kind === "jwt" && principal.organizationId !== null) {
        throw new ScriptoriumError("forbidden", "This token reaches one organization only");
      }
      const organizationId = await createOrganization(sql, body);
      await setMember(sql, { organizationId, userId: principal.userId, role: "admin" }, by);
      const row = await readOrganization(sql, organizationId);
      const location = `/organizations/${organizationId}`;
      return { body: shown(row, rightsOf("owner", null)), location };
    },

    async updateOrganization({ sql, params, place, body, mustMatch }) {
      const { organizationId } = params;
      const before = await readOrganization(sql, organizationId, { forUpdate: true });
      mustMatch(etagOf(shown(before, place.rights)));
      if (!mayMakeOrganizations && (body.slug ?? before.slug) !== before.slug) throw closed();
      await changeOrganization(sql, organizationId, body);
      const after = shown(await readOrganization(sql, organizationId), place.rights);
      return { body: after, etag: etagOf(after) };
    },

    async deleteOrganization({ sql, params, place, mustMatch, rightsChanged }) {
      const { organizationId } = params;
      const before = await readOrganization(sql, organizationId, { forUpdate: true });
      mustMatch(etagOf(shown(before, place.rights)));
      await removeOrganization(sql, organizationId);
      rightsChanged(params);
      return {};
    },
  }) satisfies Handlers;

const closed = () =>
  new ScriptoriumError(
    "forbidden",
    "Organizations and their slugs are the administrators' to make here (NEW_ORGANIZATIONS)",
  );
