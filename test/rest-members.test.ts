import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { createUser } from "../persistence/accounts.ts";
import { codeOf, useRest } from "./support/rest.ts";
import { signedIn } from "./support/roles.ts";
import { createTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

const { rest, tenant: ours } = await useRest();
const theirs = await createTenant(rest.sql);

const newUser = async () => {
  const email = `${randomUUID()}@example.com`;
  return { email, userId: await createUser(rest.sql, { email, name: "New" }) };
};

test("somebody is added by e-mail in whatever case, once", async () => {
  const { organizationId, token } = ours;
  const client = rest.client(token);
  const { email, userId } = await newUser();
  const call = { params: { organizationId }, body: { email: email.toUpperCase() } };
  const { body: added } = await client.addMember(call);
  expect(added).toMatchObject({ userId, email, role: "member" });
  expect(await codeOf(client.addMember(call))).toBe("conflict");
  const { body: list } = await client.listMembers({ params: { organizationId } });
  expect(list.members).toContainEqual(added);
  const unknown = { ...call, body: { email: "nobody@example.com" } };
  await expect(client.addMember(unknown)).rejects.toThrow("Nobody with this e-mail address");
  expect(await codeOf(client.addMember(unknown))).toBe("not_found");
});

test("only admins add, change and remove", async () => {
  const { organizationId, userId } = ours;
  const member = rest.client((await signedIn(rest.sql, ours, { member: "member" })).token);
  const params = { organizationId, userId };
  const { email } = await newUser();
  expect(await codeOf(member.addMember({ params, body: { email } }))).toBe("forbidden");
  expect(await codeOf(member.updateMember({ params, body: { role: "member" } }))).toBe("forbidden");
  expect(await codeOf(member.removeMember({ params }))).toBe("forbidden");
});

test("[A1] a user of another tenant is no member here", async () => {
  const client = rest.client(ours.token);
  const params = { organizationId: ours.organizationId, userId: theirs.userId };
  expect(await codeOf(client.getMember({ params }))).toBe("not_found");
  expect(await codeOf(client.updateMember({ params, body: { role: "admin" } }))).toBe("not_found");
  expect(await codeOf(client.removeMember({ params }))).toBe("not_found");
});

test("the last admin stays, however he is asked to go", async () => {
  const { organizationId, userId, token } = await createTenant(rest.sql);
  const client = rest.client(token);
  const params = { organizationId, userId };
  expect(await codeOf(client.updateMember({ params, body: { role: "member" } }))).toBe("conflict");
  expect(await codeOf(client.removeMember({ params }))).toBe("conflict");
  expect(await codeOf(client.leaveOrganization({ params }))).toBe("conflict");
  expect((await client.updateMember({ params, body: { role: "admin" } })).body.role).toBe("admin");
});

test("of four admins who go or step down at once, one is left", async () => {
  const tenant = await createTenant(rest.sql);
  const { organizationId } = tenant;
  const admins = await Promise.all(
    Array.from({ length: 3 }, () => signedIn(rest.sql, tenant, { member: "admin" })),
  );
  // Slow enough that each could look before another is through.
  await rest.sql.unsafe(`
    create function linger() returns trigger language plpgsql as
      'begin perform pg_sleep(0.1); return coalesce(new, old); end';
    create trigger linger before update or delete on organization_members
      for each row execute function linger()`);
  const codes = await Promise.all(
    [...admins, tenant].map(({ token, userId }, index) => {
      const params = { organizationId, userId };
      const client = rest.client(token);
      const ways = [
        () => client.leaveOrganization({ params }),
        () => client.removeMember({ params }),
        () => client.updateMember({ params, body: { role: "member" } }),
      ];
      return codeOf(ways[index % ways.length]?.() ?? Promise.resolve());
    }),
  );
  await rest.sql`drop function linger() cascade`;
  expect(codes.filter((code) => code === "conflict")).toHaveLength(1);
  expect(codes.filter((code) => code === null)).toHaveLength(3);
  const left = await rest.sql`
    select 1 from organization_members where organization_id = ${organizationId} and role = 'admin'`;
  expect(left.count).toBe(1);
});

test("whoever leaves or is removed keeps no role in a project", async () => {
  const { organizationId, projectId, token } = ours;
  const standing = { member: "member", collaborator: "editor" } as const;
  const [leaving, removed] = [
    await signedIn(rest.sql, ours, standing),
    await signedIn(rest.sql, ours, standing),
  ];
  await rest.client(leaving.token).leaveOrganization({ params: { organizationId } });
  await rest.client(token).removeMember({ params: { organizationId, userId: removed.userId } });
  for (const gone of [leaving, removed]) {
    const client = rest.client(gone.token);
    expect(await codeOf(client.getProject({ params: { projectId } }))).toBe("not_found");
    expect(await codeOf(client.leaveOrganization({ params: { organizationId } }))).toBe(
      "not_found",
    );
  }
});

test("a request that PostgreSQL gives up to end a deadlock is done again", async () => {
  const tenant = await createTenant(rest.sql);
  const { organizationId } = tenant;
  const { userId } = await signedIn(rest.sql, tenant, { member: "member" });
  const params = { organizationId, userId };
  let removal: Promise<unknown> = Promise.resolve();
  await rest.sql.begin(async (tx) => {
    await tx`
      select 1 from organization_members
      where organization_id = ${organizationId} and user_id = ${userId} for update`;
    // It holds the organization and waits for the member; who waited first is the one that is given up.
    removal = rest.client(tenant.token).removeMember({ params });
    await until(async () => {
      const [row] = await rest.sql<{ waiting: number }[]>`
        select count(*)::int as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      return row?.waiting === 1;
    });
    await tx`select 1 from organizations where id = ${organizationId} for update`;
  });
  await removal;
  expect(await codeOf(rest.client(tenant.token).getMember({ params }))).toBe("not_found");
});
