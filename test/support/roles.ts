import { randomUUID } from "node:crypto";
import {
  createKey,
  createSession,
  createUser,
  setCollaborator,
  setMember,
  type NewKey,
} from "../../persistence/accounts.ts";
import { SCRIPT } from "../../persistence/activities.ts";
import type { Sql } from "../../persistence/database.ts";
import type { Role } from "../../schema/roles.ts";
import type { AgentStatus, OrganizationRole } from "../../schema/closed-sets.ts";
import type { Tenant } from "./tenant.ts";

const DAY_MS = 86_400_000;

/** What somebody is in a tenant: a member of the organization, a collaborator of the project, both or nothing. */
export type Standing = { member?: OrganizationRole; collaborator?: Role };

/** A new user with this standing, signed in. */
export async function signedIn(
  sql: Sql,
  { organizationId, projectId }: Tenant,
  { member, collaborator }: Standing,
  expiresAt = new Date(Date.now() + DAY_MS),
): Promise<{ userId: string; sessionId: string; token: string }> {
  const userId = await createUser(sql, { email: `${randomUUID()}@example.com`, name: "Somebody" });
  if (member !== undefined) await setMember(sql, { organizationId, userId, role: member }, SCRIPT);
  if (collaborator !== undefined) {
    await setCollaborator(sql, { projectId, userId, role: collaborator }, SCRIPT);
  }
  return { userId, ...(await createSession(sql, { userId, expiresAt }, SCRIPT)) };
}

/** A key of the tenant's admin; it may read and write documents as an editor where nothing else is given. */
export const keyOf = (
  sql: Sql,
  tenant: Tenant,
  key: Partial<NewKey> = {},
): Promise<{ keyId: string; token: string }> =>
  createKey(
    sql,
    {
      organizationId: tenant.organizationId,
      projectId: null,
      userId: tenant.userId,
      agentId: null,
      name: "Test",
      scopes: ["docs:read", "docs:write"],
      role: "editor",
      expiresAt: null,
      ...key,
    },
    SCRIPT,
  );

/** An agent of the organization, in this state. */
export async function createAgent(
  sql: Sql,
  { organizationId }: Tenant,
  status: AgentStatus,
): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    insert into agents (organization_id, agent_level, agent_code, name, role_title, status)
    values (${organizationId}, 'organization', ${randomUUID()}, ${randomUUID()}, 'Writer', ${status}) returning id`;
  if (row === undefined) throw new Error("no agent was made");
  return row.id;
}
