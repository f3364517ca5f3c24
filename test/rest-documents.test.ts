import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApiClient } from "../client/api.ts";
import { DOCUMENT_ORDERS } from "../schema/api/documents.ts";
import { documentName } from "../schema/ids.ts";
import { openLightClient } from "../bench/light-client.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";
import { createAgent, keyOf, signedIn } from "./support/roles.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

let rest: Rest;
let tenant: Tenant;
let foreign: Tenant;
let client: ApiClient;

beforeAll(async () => {
  rest = await startRest();
  [tenant, foreign] = [await createTenant(rest.sql), await createTenant(rest.sql)];
  client = rest.client(tenant.token);
});
afterAll(() => rest.close());

/** Opens a document on a socket; `closedWith` says with which code it was closed. */
async function openSocket(documentId: string) {
  const seen: { closedWith: number | null } = { closedWith: null };
  const socket = await openLightClient({
    url: `${rest.url.replace("http", "ws")}/collaboration`,
    name: documentName(documentId, "content"),
    token: tenant.token,
    clientId: 1,
    onClosed: (code) => {
      seen.closedWith = code;
    },
  });
  return { socket, seen };
}

const TYPE = "feature_requirements" as const;

async function newProject(organizationId = tenant.organizationId): Promise<string> {
  const [row] = await rest.sql<{ id: string }[]>`
    insert into projects (organization_id, name, slug) values (${organizationId}, 'Other', ${randomUUID()})
    returning id`;
  return row?.id ?? "";
}

async function newFeature(projectId: string): Promise<string> {
  const [row] = await rest.sql<{ id: string }[]>`
    insert into features (project_id, name, slug) values (${projectId}, 'Feature', ${randomUUID()}) returning id`;
  return row?.id ?? "";
}

const create = async (title: string, fields: object = {}, projectId = tenant.projectId) => {
  const body = { title, type: TYPE, ...fields };
  return (await client.createDocument({ params: { projectId }, body })).body;
};

test("a document is made with Markdown content, which the log holds once", async () => {
  const made = await create("Über uns!", { markdown: "# Hi\n\nthere" });
  expect(made).toMatchObject({ title: "Über uns!", slug: "uber-uns", deletedAt: null });
  expect(made.rights).toContain("manage");
  const rows = await rest.sql`select seq from yjs_updates where document_id = ${made.id}`;
  expect(rows.length).toBe(1);
  const { body, etag } = await client.getDocument({ params: { documentId: made.id } });
  expect(body).toMatchObject({ id: made.id, organizationId: tenant.organizationId });
  expect(etag).toMatch(/^".+"$/u);
});

test("a slug made from a title is unique, also when twenty are made at once", async () => {
  const projectId = await newProject();
  const all = Array.from({ length: 20 }, () => create("Same", {}, projectId));
  const slugs = (await Promise.all(all)).map(({ slug }) => slug);
  expect(new Set(slugs).size).toBe(20);
  expect(slugs).toContain("same");
  expect(await codeOf(create("Same", { slug: "same" }, projectId))).toBe("conflict");
  expect((await create("???", {}, projectId)).slug).toBe("document");
});

test("the same request with one key makes one document, and wrong requests make none", async () => {
  const call = {
    params: { projectId: tenant.projectId },
    body: { title: "Once", type: TYPE, markdown: "text" },
  };
  const headers = { idempotencyKey: randomUUID() };
  const answers = await Promise.all([1, 2, 3].map(() => client.createDocument(call, headers)));
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  const before = await rest.sql`select count(*) from documents`;
  expect(await codeOf(create("A", { diagram: "graph" }))).toBe("bad_request");
  expect(await codeOf(create("A", { markdown: "a", content: {} }))).toBe("bad_request");
  expect(await codeOf(create("A", { content: { type: "doc", content: [{ type: "nope" }] } }))).toBe(
    "bad_content",
  );
  expect(await codeOf(create("A", { featureId: await newFeature(foreign.projectId) }))).toBe(
    "not_found",
  );
  expect(await rest.sql`select count(*) from documents`).toEqual(before);
});

test("the author of what an agent's key made is the agent", async () => {
  const agentId = await createAgent(rest.sql, tenant, "active");
  const { token } = await keyOf(rest.sql, tenant, { agentId });
  const { body } = await rest.client(token).createDocument({
    params: { projectId: tenant.projectId },
    body: { title: "By an agent", type: "system_diagram", diagram: "graph TD" },
  });
  const rows = await rest.sql`
    select user_id, agent_id from yjs_updates where document_id = ${body.id}`;
  expect([...rows]).toEqual([{ user_id: tenant.userId, agent_id: agentId }]);
});

test("every order shows each document once, page by page, also when a microsecond lies between", async () => {
  const projectId = await newProject();
  for (let index = 0; index < 11; index += 1) {
    await create(`T${index % 4}`, { sortOrder: (index % 3) - 1 }, projectId);
  }
  await rest.sql`alter table documents disable trigger user`;
  await rest.sql`
    update documents d set created_at = timestamptz '2026-01-01 00:00:00.000001+00' + n.n / 2 * interval '1 microsecond',
      updated_at = timestamptz '2026-01-01 00:00:00.123457+00' - n.n / 3 * interval '1 microsecond'
    from (select id, row_number() over () as n from documents where project_id = ${projectId}) n where n.id = d.id`;
  await rest.sql`alter table documents enable trigger user`;
  for (const order of DOCUMENT_ORDERS) {
    const column = order.replace("-", "").replace(/[A-Z]/u, (letter) => `_${letter.toLowerCase()}`);
    const direction = order.startsWith("-") ? "desc" : "asc";
    const expected = await rest.sql<{ id: string }[]>`
      select id from documents where project_id = ${projectId}
      order by ${rest.sql.unsafe(`${column} ${direction}, id ${direction}`)}`;
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const query = { order, limit: 2, ...(cursor !== undefined && { cursor }) };
      const { body } = await client.listDocuments({ params: { projectId }, query });
      seen.push(...body.documents.map(({ id }) => id));
      cursor = body.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect([order, ...seen]).toEqual([order, ...expected.map(({ id }) => id)]);
  }
});

test("filters narrow the list, and a cursor with a false value is a bad request", async () => {
  const projectId = await newProject();
  const featureId = await newFeature(projectId);
  const one = await create("100% Plan", { featureId }, projectId);
  const two = await create("Other", { type: "system_diagram" }, projectId);
  const list = async (query: object) =>
    (await client.listDocuments({ params: { projectId }, query })).body.documents.map((d) => d.id);
  expect(await list({ featureId })).toEqual([one.id]);
  expect(await list({ type: "system_diagram" })).toEqual([two.id]);
  expect(await list({ q: "100% pl" })).toEqual([one.id]);
  expect(await list({ q: "_" })).toEqual([]);
  const forged = btoa(JSON.stringify(["createdAt", "yesterday", one.id]));
  expect(await codeOf(list({ order: "createdAt", cursor: forged }))).toBe("bad_request");
  const far = btoa(JSON.stringify(["sortOrder", "9999999999", one.id]));
  expect(await list({ order: "sortOrder", cursor: far })).toEqual([]);
});

test("a document is renamed and moved; two writers do not overwrite each other", async () => {
  const { id: documentId } = await create("Before");
  const params = { documentId };
  const { etag } = await client.getDocument({ params });
  const first = await client.updateDocument(
    { params, body: { title: "After", sortOrder: 4 } },
    { ifMatch: etag ?? "" },
  );
  expect(first.body).toMatchObject({ title: "After", slug: "before", sortOrder: 4 });
  const stale = client.updateDocument({ params, body: { title: "No" } }, { ifMatch: etag ?? "" });
  expect(await codeOf(stale)).toBe("precondition_failed");
  const projectId = await newProject();
  await create("x", { slug: "before" }, projectId);
  const featureId = await newFeature(tenant.projectId);
  await client.updateDocument({ params, body: { featureId } });
  const moved = await client.updateDocument({ params, body: { projectId } });
  expect(moved.body).toMatchObject({ projectId, slug: "before-2", featureId: null });
  const toForeign = client.updateDocument({ params, body: { projectId: foreign.projectId } });
  expect(await codeOf(toForeign)).toBe("not_found");
  const other = client.updateDocument({ params, body: { featureId } });
  expect(await codeOf(other)).toBe("not_found");
});

test("who may edit here cannot move it to where he may only read", async () => {
  const { id: documentId } = await create("Stays");
  const { token } = await signedIn(rest.sql, tenant, { member: "member", collaborator: "editor" });
  const projectId = await newProject();
  const move = rest.client(token).updateDocument({ params: { documentId }, body: { projectId } });
  expect(await codeOf(move)).toBe("forbidden");
});

test("a deleted document is gone for everybody, its sockets hear it, and it can be restored", async () => {
  const { id: documentId } = await create("Goes", { slug: "goes", markdown: "words" });
  const params = { documentId };
  const { seen } = await openSocket(documentId);
  await client.deleteDocument({ params });
  await until(() => seen.closedWith === 4404);
  expect(await codeOf(client.getDocument({ params }))).toBe("document_not_found");
  expect(await codeOf(client.updateDocument({ params, body: {} }))).toBe("document_not_found");
  expect(await codeOf(client.deleteDocument({ params }))).toBe("document_not_found");
  const listed = async (deleted: "true" | "false") => {
    const query = { deleted, limit: 200 };
    const { body } = await client.listDocuments({ params: { projectId: tenant.projectId }, query });
    return body.documents.some(({ id }) => id === documentId);
  };
  expect([await listed("true"), await listed("false")]).toEqual([true, false]);
  // Its slug is free for a new one; the deleted one gets another.
  await create("Goes", { slug: "goes" });
  const restored = await client.restoreDocument({ params });
  expect(restored.body).toMatchObject({ slug: `goes-${documentId}`, deletedAt: null });
  await client.restoreDocument({ params });
  const { socket } = await openSocket(documentId);
  await socket.close();
});

test("[A1] readers cannot change, delete or see deleted ones; for strangers nothing is there", async () => {
  const { id: documentId } = await create("Guarded");
  const params = { documentId };
  const viewer = rest.client((await signedIn(rest.sql, tenant, { member: "member" })).token);
  const place = { params: { projectId: tenant.projectId } };
  expect(await codeOf(viewer.updateDocument({ params, body: { title: "x" } }))).toBe("forbidden");
  expect(await codeOf(viewer.deleteDocument({ params }))).toBe("forbidden");
  expect(await codeOf(viewer.listDocuments({ ...place, query: { deleted: "true" } }))).toBe(
    "forbidden",
  );
  const stranger = rest.client(foreign.token);
  expect(await codeOf(stranger.getDocument({ params }))).toBe("document_not_found");
  expect(await codeOf(stranger.listDocuments(place))).toBe("not_found");
  expect(await codeOf(stranger.restoreDocument({ params }))).toBe("document_not_found");
});
