import type { z } from "zod";
import {
  changeMember,
  deleteMember,
  insertMember,
  memberPage,
  readMember,
  type StoredMember,
} from "../../persistence/members.ts";
import { readOrganization } from "../../persistence/organizations.ts";
import type { Member } from "../../schema/api/members.ts";
import { etagOf } from "./etag.ts";
import { findInvited } from "./find-invited.ts";
import { cut, pageOf } from "./page.ts";
import type { Handlers, Shown } from "./serve.ts";

const shown = ({
  id,
  email,
  name,
  role,
  createdAt,
}: StoredMember): Shown<z.output<typeof Member>> => ({ userId: id, email, name, role, createdAt });

/** The routes of `schema/api/members.ts`. Whatever changes who is an admin holds the organization's row. */
export const memberHandlers = {
  async listMembers({ sql, params, query }) {
    const page = pageOf("name", query);
    const found = await memberPage(sql, params.organizationId, page);
    const { rows, nextCursor } = cut("name", page, found);
    return { body: { members: rows.map(shown), nextCursor } };
  },

  async addMember({ sql, by, params, body, rightsChanged }) {
    const { organizationId } = params;
    await readOrganization(sql, organizationId, { forUpdate: true });
    const userId = await findInvited(sql, body.email);
    await insertMember(sql, { organizationId, userId, role: body.role }, by);
    rightsChanged({ organizationId, userId });
    const added = shown(await readMember(sql, { organizationId, userId }));
    const location = `/organizations/${organizationId}/members/${userId}`;
    return { body: added, etag: etagOf(added), location };
  },

  async getMember({ sql, params }) {
    const body = shown(await readMember(sql, params));
    return { body, etag: etagOf(body) };
  },

  async updateMember({ sql, by, params, body, mustMatch, rightsChanged }) {
    await readOrganization(sql, params.organizationId, { forUpdate: true });
    mustMatch(etagOf(shown(await readMember(sql, params))));
    await changeMember(sql, { ...params, role: body.role }, by);
    rightsChanged(params);
    const after = shown(await readMember(sql, params));
    return { body: after, etag: etagOf(after) };
  },

  async removeMember({ sql, by, params, mustMatch, rightsChanged }) {
    await readOrganization(sql, params.organizationId, { forUpdate: true });
    mustMatch(etagOf(shown(await readMember(sql, params))));
    await deleteMember(sql, params, by);
    rightsChanged(params);
    return {};
  },

  async leaveOrganization({ sql, by, params, principal, rightsChanged }) {
    const membership = { ...params, userId: principal.userId };
    await readOrganization(sql, params.organizationId, { forUpdate: true });
    await readMember(sql, membership);
    await deleteMember(sql, membership, by);
    rightsChanged(membership);
    return {};
  },
} satisfies Handlers;
