import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { codeOf, useRest } from "./support/rest.ts";
import { keyOf, signedIn } from "./support/roles.ts";
import { createTenant } from "./support/tenant.ts";

const { rest, tenant: ours } = await useRest();
const theirs = await createTenant(rest.sql);

const slug = () => `s-${randomUUID()}`;

describe("organizations", () => {
  test("whoever makes one is its admin, and finds it in his list", async () => {
    const { userId, token } = await signedIn(rest.sql, ours, {});
    const client = rest.client(token);
    const { body: made } = await client.createOrganization({
      body: { name: "Acme", slug: slug() },
    });
    expect(made.rights).toContain("manage");
    const { body: list } = await client.listOrganizations();
    expect(list).toEqual({ organizations: [made], nextCursor: null });
    const { body: member } = await client.getMember({
      params: { organizationId: made.id, userId },
    });
    expect(member.role).toBe("admin");
  });

  test("pages go on where the last one ended, without gaps or doubles", async () => {
    const { token } = await signedIn(rest.sql, ours, {});
    const client = rest.client(token);
    // Equal names: only the id tells them apart.
    const names = ["b", "a", "B", "c", "b"];
    for (const name of names) await client.createOrganization({ body: { name, slug: slug() } });
    const found: { id: string; name: string }[] = [];
    let cursor: string | null = null;
    do {
      const { body }: Awaited<ReturnType<typeof client.listOrganizations>> =
        await client.listOrganizations({ query: { limit: 2, ...(cursor !== null && { cursor }) } });
      expect(body.organizations.length).toBeLessThanOrEqual(2);
      found.push(...body.organizations);
      cursor = body.nextCursor;
    } while (cursor !== null);
    expect(found.map(({ name }) => name.toLowerCase())).toEqual(["a", "b", "b", "b", "c"]);
    expect(new Set(found.map(({ id }) => id)).size).toBe(names.length);
  });

  test("a slug is taken once, and free again when its organization is deleted", async () => {
    const { token } = await signedIn(rest.sql, ours, {});
    const client = rest.client(token);
    const body = { name: "Twice", slug: slug() };
    const { body: first } = await client.createOrganization({ body });
    expect(await codeOf(client.createOrganization({ body }))).toBe("conflict");
    await client.deleteOrganization({ params: { organizationId: first.id } });
    expect((await client.createOrganization({ body })).body.id).not.toBe(first.id);
  });

  test("the same key and request again make nothing twice", async () => {
    const { token } = await signedIn(rest.sql, ours, {});
    const client = rest.client(token);
    const body = { name: "Once", slug: slug() };
    const idempotencyKey = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => client.createOrganization({ body }, { idempotencyKey })),
    );
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect((await client.listOrganizations()).body.organizations).toHaveLength(1);
    const other = client.createOrganization(
      { body: { ...body, name: "Other" } },
      { idempotencyKey },
    );
    expect(await codeOf(other)).toBe("conflict");
  });

  test("of two writers who read the same, one is told to read again", async () => {
    const { token } = await signedIn(rest.sql, ours, {});
    const client = rest.client(token);
    const { body: made } = await client.createOrganization({ body: { name: "A", slug: slug() } });
    const params = { organizationId: made.id };
    const { etag } = await client.getOrganization({ params });
    const ifMatch = etag ?? "";
    const codes = await Promise.all(
      ["B", "C"].map((name) =>
        codeOf(client.updateOrganization({ params, body: { name } }, { ifMatch })),
      ),
    );
    expect(codes).toHaveLength(2);
    expect(new Set(codes)).toEqual(new Set([null, "precondition_failed"]));
    const { body: after, etag: changed } = await client.getOrganization({ params });
    expect(after.name).not.toBe("A");
    expect(changed).not.toBe(etag);
    const path = `/api/v1/organizations/${made.id}`;
    const authorization = `Bearer ${token}`;
    const known = await rest.fetch(path, {
      headers: { authorization, "if-none-match": changed ?? "" },
    });
    expect(known.status).toBe(304);
    expect(await codeOf(client.deleteOrganization({ params }, { ifMatch }))).toBe(
      "precondition_failed",
    );
  });
});

describe("who sees, changes and deletes an organization", () => {
  test("a deleted one is gone with everything below it", async () => {
    const tenant = await createTenant(rest.sql);
    const client = rest.client(tenant.token);
    const params = { organizationId: tenant.organizationId };
    await client.deleteOrganization({ params });
    expect(await codeOf(client.getOrganization({ params }))).toBe("not_found");
    const { projectId } = tenant;
    expect(await codeOf(client.getProject({ params: { projectId } }))).toBe("not_found");
    expect((await client.listOrganizations()).body.organizations).toEqual([]);
    expect((await client.listProjects()).body.projects).toEqual([]);
    expect(await codeOf(client.deleteOrganization({ params }))).toBe("not_found");
  });

  test("[A1] members read, admins change, others see nothing", async () => {
    const { organizationId } = ours;
    const params = { organizationId };
    const member = rest.client((await signedIn(rest.sql, ours, { member: "member" })).token);
    const guest = rest.client((await signedIn(rest.sql, ours, { collaborator: "owner" })).token);
    expect((await member.getOrganization({ params })).body.rights).toEqual(["read"]);
    expect(await codeOf(member.updateOrganization({ params, body: { name: "X" } }))).toBe(
      "forbidden",
    );
    expect(await codeOf(member.deleteOrganization({ params }))).toBe("forbidden");
    for (const client of [guest, rest.client(theirs.token)]) {
      expect(await codeOf(client.getOrganization({ params }))).toBe("not_found");
      expect(await codeOf(client.updateOrganization({ params, body: {} }))).toBe("not_found");
      expect(await codeOf(client.deleteOrganization({ params }))).toBe("not_found");
      expect(await codeOf(client.listMembers({ params }))).toBe("not_found");
    }
    expect((await guest.listOrganizations()).body.organizations).toEqual([]);
  });

  test("a key makes and deletes no organization, and without docs:read it is shown none", async () => {
    const admin = await keyOf(rest.sql, ours, { role: "owner", scopes: ["admin", "docs:read"] });
    const client = rest.client(admin.token);
    const params = { organizationId: ours.organizationId };
    expect(await codeOf(client.createOrganization({ body: { name: "X", slug: slug() } }))).toBe(
      "forbidden",
    );
    expect(await codeOf(client.deleteOrganization({ params }))).toBe("forbidden");
    expect(await codeOf(client.leaveOrganization({ params }))).toBe("forbidden");
    expect((await client.listOrganizations()).body.organizations).toHaveLength(1);
    const blind = rest.client((await keyOf(rest.sql, ours, { scopes: ["docs:write"] })).token);
    expect((await blind.listOrganizations()).body.organizations).toEqual([]);
    expect((await blind.listProjects()).body.projects).toEqual([]);
  });
});
