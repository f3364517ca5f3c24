import type { PlaceKind } from "../schema/api/contract.ts";
import type { AgentStatus } from "../schema/closed-sets.ts";
import type { Role } from "../schema/roles.ts";
import {
  type AccessRow,
  belongsTo,
  type DocumentAccess,
  type PlaceAccess,
  roleOf,
  toAccess,
} from "./access.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { SqlOrTransaction } from "./database.ts";

/** Who has which document open. `sessionId`, `keyId`: what he signed in with; null where it is none of ours. All are uuids. */
export type StandingQuestion = {
  readonly documentId: string;
  readonly userId: string;
  readonly sessionId: string | null;
  readonly keyId: string | null;
};

/** What a key allows at this moment. */
export type StoredGrants = {
  readonly role: Role;
  readonly scopes: readonly string[];
  readonly agentStatus: AgentStatus | null;
};

/** What the database says of somebody who has a document open, or asks for something else. */
export type Standing<Access = DocumentAccess> = {
  /** False: the session or the key has ended, or there is no such person any more. */
  readonly isSignedIn: boolean;
  /** Null: no key, or none any more. */
  readonly grants: StoredGrants | null;
  /** Null: there is no such place. */
  readonly access: Access | null;
};

type StandingRow = { [K in keyof AccessRow]: AccessRow[K] | null } & {
  place: number;
  isSignedIn: boolean;
  keyRole: Role | null;
  scopes: string[] | null;
  agentStatus: AgentStatus | null;
};

/**
 * Asks for many at once how sign-in and access stand now, in the order of the questions: one statement that reads by
 * primary keys and unique indexes only. What counts as ended is what `findSessions` and `findKey` count as ended.
 */
export async function standingsOf(
  sql: SqlOrTransaction,
  questions: readonly StandingQuestion[],
): Promise<Standing[]> {
  const column = (name: keyof StandingQuestion): string =>
    `{${questions.map((question) => question[name] ?? "NULL").join(",")}}`;
  const rows = await sql<StandingRow[]>`
    select q.place::int, o.id as "organizationId", p.id as "projectId", m.role as membership, c.role as collaboration,
           ${held(sql)}
    from unnest(${column("documentId")}::text::uuid[], ${column("userId")}::text::uuid[],
                ${column("sessionId")}::text::uuid[], ${column("keyId")}::text::uuid[])
         with ordinality as q(document_id, user_id, session_id, key_id, place)
    ${holding(sql)}
    left join documents d on d.id = q.document_id and d.deleted_at is null
    left join projects p on p.id = d.project_id
    left join organizations o on o.id = p.organization_id and o.deleted_at is null
    left join organization_members m on m.organization_id = o.id and m.user_id = q.user_id
    left join collaborators c on c.project_id = p.id and c.user_id = q.user_id and c.removed_at is null
    order by q.place`;
  return rows.map(toStanding);
}

/** Who asks for what, by an id of any kind. */
export type PlaceQuestion = Omit<StandingQuestion, "documentId"> & {
  readonly kind: PlaceKind;
  readonly id: string;
};

/** Whose a key is, and what it reaches. */
export type KeyHolder = {
  readonly userId: string;
  readonly agentId: string | null;
  readonly organizationId: string;
  readonly projectId: string | null;
};

/** The same for one who asks for a place of any kind, as `accessToPlace` finds it. `holder`: of a key, else null. */
export async function standingAt(
  sql: SqlOrTransaction,
  { userId, sessionId, keyId, kind, id }: PlaceQuestion,
): Promise<Standing<PlaceAccess> & { readonly holder: KeyHolder | null }> {
  const [row] = await sql<(StandingRow & { holder: KeyHolder | null })[]>`
    select o.id as "organizationId", b.project_id as "projectId", m.role as membership, c.role as collaboration,
           ${held(sql)},
           case when k.id is not null then jsonb_build_object('userId', k.user_id, 'agentId', k.agent_id,
             'organizationId', k.organization_id, 'projectId', k.project_id) end as holder
    from (select coalesce((select user_id from api_keys where id = ${keyId}::uuid), ${userId}::uuid) as user_id,
                 ${sessionId}::uuid as session_id, ${keyId}::uuid as key_id) as q
    ${holding(sql)}
    left join (${belongsTo(sql, kind, id)}) as b on true
    left join organizations o on o.id = b.organization_id and o.deleted_at is null
    left join organization_members m on m.organization_id = o.id and m.user_id = q.user_id
    left join collaborators c on c.project_id = b.project_id and c.user_id = q.user_id and c.removed_at is null`;
  if (row === undefined) throw new ScriptoriumError("internal", "A question had no answer");
  const { organizationId, projectId, membership, collaboration } = row;
  const role = roleOf({ membership, collaboration });
  const access = organizationId === null ? null : { organizationId, projectId, role };
  return { ...toHolder(row), access, holder: row.holder };
}

/** What is held, of a question `q`, joined as the columns of `held` want it. */
const holding = (sql: SqlOrTransaction) => sql`
    left join users u on u.id = q.user_id
    left join sessions s on s.id = q.session_id and s.revoked_at is null and s.expires_at > now()
    left join api_keys k on k.id = q.key_id and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > now())
    left join agents a on a.id = k.agent_id`;

/** The columns that say whether what somebody holds is still worth something. */
const held = (sql: SqlOrTransaction) => sql`
  u.id is not null and (q.session_id is null or s.id is not null)
    and (q.key_id is null or (k.id is not null and a.deleted_at is null)) as "isSignedIn",
  k.role as "keyRole", k.scopes, a.status as "agentStatus"`;

function toHolder(row: StandingRow): Pick<Standing, "isSignedIn" | "grants"> {
  const { isSignedIn, keyRole, scopes, agentStatus } = row;
  const grants =
    keyRole === null || scopes === null ? null : { role: keyRole, scopes, agentStatus };
  return { isSignedIn, grants };
}

function toStanding(row: StandingRow): Standing {
  const { organizationId, projectId, membership, collaboration } = row;
  const access =
    organizationId === null || projectId === null
      ? null
      : toAccess({ organizationId, projectId, membership, collaboration });
  return { ...toHolder(row), access };
}
