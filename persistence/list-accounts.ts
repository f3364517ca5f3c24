import type { Role } from "../schema/roles.ts";
import type { SqlOrTransaction } from "./database.ts";

/** A user as a list shows him. */
export type ListedUser = {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  /** `slug (role)` of each organization, and `organization/project (role)` of each project he was invited to. */
  readonly organizations: string[];
  readonly projects: string[];
  readonly liveSessions: number;
  readonly createdAt: Date;
};

/** All users, by address. */
export async function listUsers(sql: SqlOrTransaction): Promise<ListedUser[]> {
  return sql<ListedUser[]>`
    select u.id, u.email, u.name, u.created_at as "createdAt",
           array(select o.slug || ' (' || m.role || ')'
                 from organization_members m join organizations o on o.id = m.organization_id
                 where m.user_id = u.id and o.deleted_at is null order by o.slug) as organizations,
           array(select o.slug || '/' || p.slug || ' (' || c.role || ')'
                 from collaborators c join projects p on p.id = c.project_id
                 join organizations o on o.id = p.organization_id
                 where c.user_id = u.id and c.removed_at is null order by o.slug, p.slug) as projects,
           (select count(*)::int from sessions s
            where s.user_id = u.id and s.revoked_at is null and s.expires_at > now()) as "liveSessions"
    from users u order by u.email`;
}

/** An API key as a list shows it: everything but the secret, which nobody has. */
export type ListedKey = {
  readonly id: string;
  readonly prefix: string;
  readonly name: string;
  readonly user: string;
  readonly agent: string | null;
  readonly organization: string;
  readonly project: string | null;
  readonly role: Role;
  readonly scopes: string[];
  readonly state: "live" | "expired" | "revoked";
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
};

/** All API keys, the newest first. */
export async function listKeys(sql: SqlOrTransaction): Promise<ListedKey[]> {
  return sql<ListedKey[]>`
    select k.id, k.key_prefix as prefix, k.name, u.email as "user", a.agent_code as agent,
           o.slug as organization, p.slug as project, k.role, k.scopes,
           case when k.revoked_at is not null then 'revoked'
                when k.expires_at <= now() then 'expired' else 'live' end as state,
           k.created_at as "createdAt", k.last_used_at as "lastUsedAt", k.expires_at as "expiresAt",
           k.revoked_at as "revokedAt"
    from api_keys k
    join users u on u.id = k.user_id
    join organizations o on o.id = k.organization_id
    left join projects p on p.id = k.project_id
    left join agents a on a.id = k.agent_id
    order by k.created_at desc, k.id`;
}
