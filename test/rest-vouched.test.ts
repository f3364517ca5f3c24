import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createProject } from "../persistence/accounts.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";

const SECRET = randomUUID() + randomUUID();

let rest: Rest;
let ours: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  rest = await startRest({
    JWT_SECRET: SECRET,
    NEW_ORGANIZATIONS: "true",
    JWT_ISSUER: "host",
    JWT_AUDIENCE: "scriptorium",
    JWT_CREATE_USERS: "true",
  });
  ours = await createTenant(rest.sql);
  theirs = await createTenant(rest.sql);
});

afterAll(() => rest.close());

/** The client of somebody new, for whom the host application vouches with these claims. */
async function vouched(claims: { organization?: string; role?: string }) {
  const email = `${randomUUID()}@example.com`;
  const token = await new SignJWT({ email, ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(email)
    .setIssuer("host")
    .setAudience("scriptorium")
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(SECRET));
  return rest.client(token);
}

const slugOf = async ({ organizationId }: Tenant): Promise<string> => {
  const [row] = await rest.sql<{ slug: string }[]>`
    select slug from organizations where id = ${organizationId}`;
  return row?.slug ?? "";
};

test("[A1] a role in a token reaches its organization, and no other", async () => {
  const client = await vouched({ organization: await slugOf(ours), role: "owner" });
  const { organizationId, projectId } = ours;
  const { organizations } = (await client.listOrganizations()).body;
  expect(organizations.map(({ id }) => id)).toEqual([organizationId]);
  expect((await client.listProjects()).body.projects.map(({ id }) => id)).toEqual([projectId]);
  const params = { organizationId, projectId };
  await client.createFeature({ params, body: { name: "F", slug: `s-${randomUUID()}` } });
  await client.createProject({ params, body: { name: "P", slug: `s-${randomUUID()}` } });
  const foreign = { organizationId: theirs.organizationId, projectId: theirs.projectId };
  expect(await codeOf(client.getOrganization({ params: foreign }))).toBe("not_found");
  expect(await codeOf(client.getProject({ params: foreign }))).toBe("not_found");
  expect(await codeOf(client.listFeatures({ params: foreign }))).toBe("not_found");
});

test("a token that reaches one organization makes no other, and its holder has none to leave", async () => {
  const client = await vouched({ organization: await slugOf(ours), role: "viewer" });
  const body = { name: "X", slug: `s-${randomUUID()}` };
  expect(await codeOf(client.createOrganization({ body }))).toBe("forbidden");
  const { organizationId, projectId } = ours;
  const params = { organizationId, projectId };
  expect(await codeOf(client.leaveOrganization({ params }))).toBe("not_found");
  expect(await codeOf(client.leaveProject({ params }))).toBe("not_found");
});

test("[A1] a role in a token that names no organization is a role nowhere", async () => {
  await createProject(rest.sql, {
    organizationId: theirs.organizationId,
    name: "Other",
    slug: "other",
  });
  const client = await vouched({ role: "owner" });
  const { organizationId, projectId } = theirs;
  const params = { organizationId, projectId };
  for (const call of [
    () => client.getOrganization({ params }),
    () => client.getProject({ params }),
    () => client.deleteOrganization({ params }),
  ]) {
    // The token itself may be refused.
    expect(["not_found", "unauthenticated"]).toContain(await codeOf(call()));
  }
});

test("somebody without a role begins with nothing, and may make an organization", async () => {
  const client = await vouched({});
  expect((await client.listOrganizations()).body.organizations).toEqual([]);
  expect((await client.listProjects()).body.projects).toEqual([]);
  const body = { name: "X", slug: `s-${randomUUID()}` };
  expect((await client.createOrganization({ body })).body.rights).toContain("manage");
});
