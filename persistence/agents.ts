import type { AgentLevel, AgentStatus } from "../schema/closed-sets.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { change, note, type Actor } from "./activities.ts";
import { uniquely, type SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";
import type { Page, Paged } from "./page.ts";

/** An agent as it is stored. */
export type StoredAgent = {
  readonly id: string;
  readonly organizationId: string;
  readonly projectId: string | null;
  readonly level: AgentLevel;
  readonly agentCode: string;
  readonly name: string;
  readonly roleTitle: string;
  readonly status: AgentStatus;
  /** 0 to 100. */
  readonly trustScore: number;
  readonly capabilities: string[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** What a new agent is. Without a project it belongs to the organization. */
export type NewAgent = Pick<
  StoredAgent,
  "organizationId" | "projectId" | "agentCode" | "name" | "roleTitle" | "status"
> & { readonly capabilities: readonly string[] };

/** What of an agent changes; what is absent stays. */
export type AgentChange = {
  readonly name?: string | undefined;
  readonly roleTitle?: string | undefined;
  readonly status?: AgentStatus | undefined;
  readonly capabilities?: readonly string[] | undefined;
};

const CHANGED = { entity: "agent", action: "status_changed" } as const;

const columns = (sql: SqlOrTransaction) => sql`
  a.id, a.organization_id as "organizationId", a.project_id as "projectId", a.agent_level as level,
  a.agent_code as "agentCode", a.name, a.role_title as "roleTitle", a.status,
  a.trust_score::float8 as "trustScore", a.capabilities, a.created_at as "createdAt", a.updated_at as "updatedAt"`;

/** The agents of an organization, by name; null: whatever the project or the status. */
export async function agentPage(
  sql: SqlOrTransaction,
  filter: { organizationId: string; projectId: string | null; status: AgentStatus | null },
  { limit, after }: Page,
): Promise<Paged<StoredAgent>[]> {
  const { organizationId, projectId, status } = filter;
  return sql`
    select ${columns(sql)}, a.name as "sortKey" from agents a
    where a.organization_id = ${organizationId} and a.deleted_at is null
      and (${projectId}::uuid is null or a.project_id = ${projectId}::uuid)
      and (${status}::text is null or a.status = ${status}::text)
      and (${after === null} or (a.name, a.id) > (${after?.value ?? ""}, ${after?.id ?? null}::uuid))
    order by a.name, a.id limit ${limit}`;
}

/** Locked until the transaction ends when it is about to be changed. @throws ScriptoriumError `not_found`. */
export async function readAgent(
  sql: SqlOrTransaction,
  id: string,
  { forUpdate = false }: { forUpdate?: boolean } = {},
): Promise<StoredAgent> {
  const [row] = await sql<StoredAgent[]>`
    select ${columns(sql)} from agents a
    where a.id = ${id} and a.deleted_at is null ${forUpdate ? sql`for no key update` : sql``}`;
  if (row === undefined) throw new ScriptoriumError("not_found", "There is no such agent");
  return row;
}

/** Makes an agent and answers its id. @throws ScriptoriumError `conflict` when its code or name is taken. */
export async function createAgent(
  sql: SqlOrTransaction,
  agent: NewAgent,
  by: Actor,
): Promise<string> {
  const level: AgentLevel = agent.projectId === null ? "organization" : "project";
  const [row] = await uniquely(
    sql<{ id: string }[]>`
      with changed as (
        insert into agents (organization_id, project_id, agent_level, agent_code, name, role_title, status, capabilities)
        values (${agent.organizationId}, ${agent.projectId}, ${level}, ${agent.agentCode}, ${agent.name},
                ${agent.roleTitle}, ${agent.status}, ${toJsonb(agent.capabilities)}::text::jsonb)
        returning id as entity_id, organization_id, project_id, ${change(sql, "status", sql`null`, sql`status`)}
      ), noted as (${note(sql, by, CHANGED)})
      select entity_id as id from changed`,
    "The code or the name is taken; a deleted agent keeps both",
  );
  if (row === undefined) throw new ScriptoriumError("internal", "Nothing was inserted");
  return row.id;
}

/** Changes what is given. @throws ScriptoriumError `conflict` when the name is taken. */
export async function changeAgent(
  sql: SqlOrTransaction,
  id: string,
  { name, roleTitle, status, capabilities }: AgentChange,
  by: Actor,
): Promise<void> {
  const abilities = capabilities === undefined ? null : toJsonb(capabilities);
  await uniquely(
    sql`
      with before as (
        select id, status from agents where id = ${id} and deleted_at is null for update
      ), written as (
        update agents a set name = coalesce(${name ?? null}, name), role_title = coalesce(${roleTitle ?? null}, role_title),
               status = coalesce(${status ?? null}, a.status),
               capabilities = coalesce(${abilities}::text::jsonb, capabilities)
        from before where a.id = before.id
        returning a.id as entity_id, organization_id, project_id, before.status as old_status, a.status
      ), changed as (
        select *, ${change(sql, "status", sql`old_status`, sql`status`)} from written where old_status <> status
      ) ${note(sql, by, CHANGED)}`,
    "The name is taken; a deleted agent keeps its own",
  );
}

/** Deletes an agent and revokes its keys, so that a list says what is true of them. Deleted before: nothing changes. */
export async function deleteAgent(sql: SqlOrTransaction, id: string, by: Actor): Promise<void> {
  await sql`
    with changed as (
      update api_keys set revoked_at = now() where agent_id = ${id} and revoked_at is null
      returning id as entity_id, organization_id, project_id
    ) ${note(sql, by, { entity: "key", action: "revoked" })}`;
  await sql`
    with changed as (
      update agents set deleted_at = now() where id = ${id} and deleted_at is null
      returning id as entity_id, organization_id, project_id, ${change(sql, "status", sql`status`, sql`null`)}
    ) ${note(sql, by, CHANGED)}`;
}
