import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createProject, createUser } from "../persistence/accounts.ts";
import { codeOf, useRest } from "./support/rest.ts";
import { keyOf, signedIn } from "./support/roles.ts";
import { createTenant } from "./support/tenant.ts";

const { rest, tenant: ours } = await useRest();
const theirs = await createTenant(rest.sql);

const slug = () => `s-${randomUUID()}`;

describe("projects", () => {
  test("an admin makes one, changes it part by part, archives it and takes it back", async () => {
    const { organizationId, token } = await createTenant(rest.sql);
    const client = rest.client(token);
    const { body: made, etag } = await client.createProject({
      params: { organizationId },
      body: { name: "Engine", slug: "engine", description: "Goes\nround" },
    });
    const params = { projectId: made.id };
    expect(made).toMatchObject({ organizationId, description: "Goes\nround", archivedAt: null });
    expect(await client.getProject({ params })).toMatchObject({ body: made, etag });
    const { body: renamed } = await client.updateProject({ params, body: { name: "Motor" } });
    expect(renamed).toMatchObject({ name: "Motor", slug: "engine", description: "Goes\nround" });
    const { body: bare } = await client.updateProject({ params, body: { description: null } });
    expect(bare.description).toBeNull();

    const { body: archived } = await client.updateProject({ params, body: { archived: true } });
    expect(archived.archivedAt).not.toBeNull();
    const { body: again } = await client.updateProject({ params, body: { archived: true } });
    expect(again.archivedAt).toBe(archived.archivedAt);
    const ids = async (flag: "true" | "false") =>
      (await client.listProjects({ query: { archived: flag } })).body.projects.map(({ id }) => id);
    expect(await ids("true")).toEqual([made.id]);
    expect(await ids("false")).not.toContain(made.id);
    expect((await client.getProject({ params })).body.archivedAt).toBe(archived.archivedAt);
    await client.updateProject({ params, body: { archived: false } });
    expect(await ids("true")).toEqual([]);
    expect(await ids("false")).toContain(made.id);
  });

  test("the list holds what is within reach, and no more", async () => {
    const { organizationId } = ours;
    const second = await createProject(rest.sql, { organizationId, name: "Zoo", slug: slug() });
    const listed = async (token: string, query = {}) =>
      (await rest.client(token).listProjects({ query })).body.projects
        .map(({ id, rights }) => ({ id, manages: rights.includes("manage") }))
        .toSorted((one, other) => one.id.localeCompare(other.id));
    const sorted = (manages: boolean, ...ids: string[]) =>
      ids.toSorted((one, other) => one.localeCompare(other)).map((id) => ({ id, manages }));
    const guest = await signedIn(rest.sql, ours, { collaborator: "viewer" });
    const member = await signedIn(rest.sql, ours, { member: "member" });
    expect(await listed(ours.token)).toEqual(sorted(true, ours.projectId, second));
    expect(await listed(member.token)).toEqual(sorted(false, ours.projectId, second));
    expect(await listed(guest.token)).toEqual(sorted(false, ours.projectId));
    expect(await listed(guest.token, { organizationId })).toHaveLength(1);
    expect(await listed(theirs.token)).toEqual(sorted(true, theirs.projectId));
    expect(await listed(theirs.token, { organizationId })).toEqual([]);
    const bound = await keyOf(rest.sql, ours, { projectId: second });
    // The first page already: what lies outside a key's bounds takes no place in it.
    expect(await listed(bound.token, { limit: 1 })).toEqual(sorted(false, second));
    const wide = await keyOf(rest.sql, ours, { role: "owner", scopes: ["docs:read", "admin"] });
    expect(await listed(wide.token)).toEqual(sorted(true, ours.projectId, second));
  });

  test("pages go on where the last one ended; a cursor of the other list is refused", async () => {
    const { organizationId, token } = await createTenant(rest.sql);
    const client = rest.client(token);
    for (const name of ["b", "A", "b"]) {
      await createProject(rest.sql, { organizationId, name, slug: slug() });
    }
    const { body: first } = await client.listProjects({ query: { limit: 2 } });
    const cursor = first.nextCursor ?? "";
    const { body: second } = await client.listProjects({ query: { limit: 2, cursor } });
    const all = [...first.projects, ...second.projects];
    expect(all.map(({ name }) => name)).toEqual(["A", "b", "b", "Test"]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(4);
    expect(second.nextCursor).toBeNull();
    expect(await codeOf(client.listProjects({ query: { cursor, archived: "true" } }))).toBe(
      "bad_request",
    );
  });

  test("[A1] only who manages changes, and only an admin makes one", async () => {
    const { projectId, organizationId } = ours;
    const params = { projectId, organizationId };
    const make = { params, body: { name: "X", slug: slug() } };
    const change = { params, body: { name: "X" } };
    const owner = rest.client((await signedIn(rest.sql, ours, { collaborator: "owner" })).token);
    const editor = rest.client((await signedIn(rest.sql, ours, { collaborator: "editor" })).token);
    const member = rest.client((await signedIn(rest.sql, ours, { member: "member" })).token);
    const foreign = rest.client(theirs.token);
    expect(await codeOf(owner.createProject(make))).toBe("not_found");
    expect(await codeOf(member.createProject(make))).toBe("forbidden");
    expect(await codeOf(foreign.createProject(make))).toBe("not_found");
    expect(await codeOf(editor.updateProject(change))).toBe("forbidden");
    expect(await codeOf(member.updateProject(change))).toBe("forbidden");
    expect(await codeOf(foreign.updateProject(change))).toBe("not_found");
    expect(await codeOf(foreign.getProject({ params }))).toBe("not_found");
    expect((await owner.updateProject({ params, body: { name: "Test" } })).body.name).toBe("Test");
  });

  test("a slug is taken once in an organization; a key makes one project", async () => {
    const client = rest.client(ours.token);
    const params = { organizationId: ours.organizationId };
    const body = { name: "Same", slug: slug() };
    const idempotencyKey = randomUUID();
    const { body: first } = await client.createProject({ params, body }, { idempotencyKey });
    const again = await client.createProject({ params, body }, { idempotencyKey });
    expect(again.body).toEqual(first);
    expect(await codeOf(client.createProject({ params, body }))).toBe("conflict");
    const other = { projectId: ours.projectId };
    expect(await codeOf(client.updateProject({ params: other, body: { slug: body.slug } }))).toBe(
      "conflict",
    );
    const elsewhere = { organizationId: theirs.organizationId };
    await rest.client(theirs.token).createProject({ params: elsewhere, body });
  });

  test("of two writers who read the same, one is told to read again", async () => {
    const client = rest.client(ours.token);
    const params = { projectId: ours.projectId };
    const ifMatch = (await client.getProject({ params })).etag ?? "";
    const codes = await Promise.all(
      ["One", "Two"].map((description) =>
        codeOf(client.updateProject({ params, body: { description } }, { ifMatch })),
      ),
    );
    expect(codes).toHaveLength(2);
    expect(new Set(codes)).toEqual(new Set([null, "precondition_failed"]));
  });
});

describe("collaborators", () => {
  test("a guest is invited by e-mail, promoted, removed and invited again", async () => {
    const { projectId, token } = ours;
    const owner = rest.client(token);
    const guest = await signedIn(rest.sql, theirs, {});
    const client = rest.client(guest.token);
    const params = { projectId, userId: guest.userId };
    const [row] = await rest.sql<{ email: string }[]>`
      select email from users where id = ${guest.userId}`;
    const body = { email: row?.email ?? "", role: "viewer" as const };
    expect(await codeOf(client.getProject({ params }))).toBe("not_found");
    const { body: added } = await owner.addCollaborator({ params, body });
    expect(added).toMatchObject({ userId: guest.userId, role: "viewer", isMember: false });
    expect((await client.getProject({ params })).body.rights).toEqual(["read"]);
    expect(await codeOf(owner.addCollaborator({ params, body }))).toBe("conflict");

    await owner.updateCollaborator({ params, body: { role: "editor" } });
    expect((await client.getProject({ params })).body.rights).toContain("edit");
    await owner.removeCollaborator({ params });
    expect(await codeOf(client.getProject({ params }))).toBe("not_found");
    expect(await codeOf(owner.getCollaborator({ params }))).toBe("not_found");
    expect(await codeOf(owner.updateCollaborator({ params, body: { role: "owner" } }))).toBe(
      "not_found",
    );
    expect(await codeOf(owner.removeCollaborator({ params }))).toBe("not_found");
    await owner.addCollaborator({ params, body: { ...body, role: "reviewer" } });
    expect((await client.getProject({ params })).body.rights).toContain("suggest");
    const { body: list } = await owner.listCollaborators({ params });
    expect(list.collaborators).toContainEqual({ ...added, role: "reviewer" });
  });

  test("[A1] an id in a body is looked for in the caller's tenant only", async () => {
    const owner = rest.client(ours.token);
    const params = { projectId: ours.projectId };
    const role = "editor" as const;
    const member = await signedIn(rest.sql, ours, { member: "member" });
    const foreign = owner.addCollaborator({ params, body: { userId: theirs.userId, role } });
    expect(await codeOf(foreign)).toBe("not_found");
    const loner = await createUser(rest.sql, { email: `${randomUUID()}@example.com`, name: "L" });
    expect(await codeOf(owner.addCollaborator({ params, body: { userId: loner, role } }))).toBe(
      "not_found",
    );
    const { body } = await owner.addCollaborator({
      params,
      body: { userId: member.userId, role },
    });
    expect(body).toMatchObject({ userId: member.userId, role, isMember: true });
  });

  test("one of e-mail and id is given; an unknown address is told apart", async () => {
    const owner = rest.client(ours.token);
    const params = { projectId: ours.projectId };
    const role = "viewer" as const;
    const email = "nobody@example.com";
    for (const body of [{ role }, { role, email, userId: ours.userId }]) {
      expect(await codeOf(owner.addCollaborator({ params, body }))).toBe("bad_request");
    }
    await expect(owner.addCollaborator({ params, body: { role, email } })).rejects.toThrow(
      "Nobody with this e-mail address",
    );
  });

  test("only who manages the project sees and changes them; everybody may go", async () => {
    const { projectId } = ours;
    const editor = await signedIn(rest.sql, ours, { collaborator: "editor" });
    const member = await signedIn(rest.sql, ours, { member: "member" });
    const params = { projectId, userId: editor.userId };
    for (const { token } of [editor, member]) {
      const client = rest.client(token);
      expect(await codeOf(client.listCollaborators({ params }))).toBe("forbidden");
      expect(await codeOf(client.getCollaborator({ params }))).toBe("forbidden");
      expect(await codeOf(client.updateCollaborator({ params, body: { role: "owner" } }))).toBe(
        "forbidden",
      );
      expect(await codeOf(client.removeCollaborator({ params }))).toBe("forbidden");
    }
    const key = await keyOf(rest.sql, ours, { userId: editor.userId });
    expect(await codeOf(rest.client(key.token).leaveProject({ params }))).toBe("forbidden");
    await rest.client(editor.token).leaveProject({ params });
    expect(await codeOf(rest.client(editor.token).getProject({ params }))).toBe("not_found");
    expect(await codeOf(rest.client(member.token).leaveProject({ params }))).toBe("not_found");
  });

  test("the owner of one project has no say in another, nor in the organization", async () => {
    const { organizationId, projectId } = ours;
    const other = await createProject(rest.sql, { organizationId, name: "Other", slug: slug() });
    const owner = await signedIn(rest.sql, ours, { member: "member", collaborator: "owner" });
    const client = rest.client(owner.token);
    expect((await client.getProject({ params: { projectId } })).body.rights).toContain("manage");
    const body = { userId: owner.userId, role: "owner" as const };
    const params = { projectId: other, organizationId };
    expect(await codeOf(client.addCollaborator({ params, body }))).toBe("forbidden");
    expect(await codeOf(client.updateOrganization({ params, body: { name: "X" } }))).toBe(
      "forbidden",
    );
  });
});
