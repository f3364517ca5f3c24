import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApiClient } from "../client/api.ts";
import { setCollaborator } from "../persistence/accounts.ts";
import { note, SCRIPT, UPKEEP } from "../persistence/activities.ts";
import { recordVersion } from "../persistence/versions.ts";
import type { SqlOrTransaction } from "../persistence/database.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";
import { createAgent, keyOf, signedIn } from "./support/roles.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";

let rest: Rest;
let tenant: Tenant;
let client: ApiClient;

beforeAll(async () => {
  rest = await startRest();
  tenant = await createTenant(rest.sql);
  client = rest.client(tenant.token);
});
afterAll(() => rest.close());

const newProject = async (): Promise<string> => {
  const params = { organizationId: tenant.organizationId };
  return (
    await client.createProject({ params, body: { name: "Other", slug: `p-${randomUUID()}` } })
  ).body.id;
};

const newDocument = async (projectId: string, by = client) => {
  const body = { title: "Secret title", type: "feature_requirements" as const };
  return (await by.createDocument({ params: { projectId }, body })).body.id;
};

const projectFeed = async (projectId: string, query = {}, by = client) =>
  (await by.listProjectActivities({ params: { projectId }, query })).body;

/** An activity as another process would write it. */
const write = (tx: SqlOrTransaction, projectId: string, number: number) => tx`
  with changed as (select ${randomUUID()}::uuid as entity_id, ${projectId}::uuid as project_id,
                          ${tenant.organizationId}::uuid as organization_id,
                          jsonb_build_object('seq', ${number}::int) as about)
  ${note(tx, SCRIPT, { entity: "document", action: "comment_added" })}`;

test("what is done to a document is told once, with who did it, and without anybody's words", async () => {
  const [from, to] = [await newProject(), await newProject()];
  const agentId = await createAgent(rest.sql, tenant, "active");
  const agent = rest.client((await keyOf(rest.sql, tenant, { agentId })).token);
  const documentId = await newDocument(from, agent);
  const params = { documentId };
  await client.updateDocument({ params, body: { title: "Another secret" } });
  await client.updateDocument({ params, body: { sortOrder: 3 } });
  await client.createVersion({ params, body: { name: "A secret name" } });
  await client.updateDocument({ params, body: { projectId: to } });
  await client.deleteDocument({ params });
  await client.restoreDocument({ params });
  await client.restoreDocument({ params });
  const { activities } = (await client.listDocumentActivities({ params })).body;
  expect(activities.map(({ action }) => action).toReversed()).toEqual([
    "created",
    "renamed",
    "version_created",
    "moved",
    "deleted",
    "restored",
  ]);
  expect(activities.at(-1)?.actor).toMatchObject({
    type: "agent",
    id: agentId,
    forUserId: tenant.userId,
  });
  expect(activities[0]).toMatchObject({
    title: "Another secret",
    actor: { type: "user", id: tenant.userId, name: "Test", forUserId: null },
  });
  expect(activities.at(-2)?.details).toMatchObject({ fields: ["title"] });
  expect(activities.at(-3)?.details).toMatchObject({ versionNumber: 1, kind: "named" });
  expect(activities.at(-4)?.changes).toEqual({ projectId: { old: from, new: to } });
  const stored = await rest.sql`select a.* from activities a where entity_id = ${documentId}`;
  expect(JSON.stringify(stored)).not.toMatch(/secret/iu);
  const left = await projectFeed(from);
  expect(left.activities.map(({ action }) => action).slice(0, 2)).toEqual([
    "moved",
    "version_created",
  ]);
  // It is in a project that this feed's readers may know nothing of.
  expect(left.activities.map(({ title }) => title)).toEqual([null, null, null, null]);
});

test("an automatic version is told of by the server itself", async () => {
  const { documentId } = await tenant.document();
  const content = { type: "doc", content: [] };
  const captured = { documentId, seq: 1, state: Uint8Array.of(1), content, diagramSource: null };
  await rest.sql.begin((tx) => recordVersion(tx, { minIntervalMs: 0 }, captured));
  const { activities } = (await client.listDocumentActivities({ params: { documentId } })).body;
  expect(activities[0]).toMatchObject({
    action: "version_created",
    actor: { type: UPKEEP.type, id: null },
    details: { kind: "automatic", versionNumber: 1, seq: 1 },
  });
});

test("who reads sees documents only; keys, members and how it was done are for who manages", async () => {
  const projectId = await newProject();
  const documentId = await newDocument(projectId);
  const reader = await signedIn(rest.sql, { ...tenant, projectId }, { collaborator: "viewer" });
  await setCollaborator(rest.sql, { projectId, userId: reader.userId, role: "reviewer" }, SCRIPT);
  const kinds = async (by?: ApiClient) =>
    new Set((await projectFeed(projectId, {}, by)).activities.map((each) => each.entityType));
  expect(await kinds()).toEqual(new Set(["document", "collaborator"]));
  const asReader = rest.client(reader.token);
  expect(await kinds(asReader)).toEqual(new Set(["document"]));
  const [seen] = (await projectFeed(projectId, {}, asReader)).activities;
  expect(seen).toMatchObject({ title: "Secret title", details: {} });
  await client.deleteDocument({ params: { documentId } });
  const [gone] = (await projectFeed(projectId, {}, asReader)).activities;
  expect(gone).toMatchObject({ action: "deleted", title: null });
  const params = { documentId };
  expect(await codeOf(asReader.listDocumentActivities({ params }))).toBe("document_not_found");
  expect((await client.listDocumentActivities({ params })).body.activities).toHaveLength(2);
});

test("[A1] for strangers there is no feed, and a cursor or an action of another list is refused", async () => {
  const foreign = await createTenant(rest.sql);
  const stranger = rest.client(foreign.token);
  const { documentId } = await tenant.document();
  expect(await codeOf(projectFeed(tenant.projectId, {}, stranger))).toBe("not_found");
  expect(await codeOf(stranger.listDocumentActivities({ params: { documentId } }))).toBe(
    "document_not_found",
  );
  await newDocument(tenant.projectId);
  const { nextCursor: cursor } = await projectFeed(tenant.projectId, { limit: 1 });
  const params = { projectId: foreign.projectId };
  expect(
    await codeOf(stranger.listProjectActivities({ params, query: { cursor: cursor ?? "" } })),
  ).toBe("bad_request");
  expect(await codeOf(projectFeed(tenant.projectId, { cursor, after: 1 }))).toBe("bad_request");
});

test("pages and filters show each activity once, the newest first", async () => {
  const projectId = await newProject();
  for (let number = 0; number < 7; number += 1) await write(rest.sql, projectId, number);
  const documentId = await newDocument(projectId);
  const seen: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await projectFeed(projectId, {
      limit: 3,
      ...(cursor !== undefined && { cursor }),
    });
    seen.push(...page.activities.map(({ position }) => position));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toHaveLength(8);
  expect(seen).toEqual(seen.toSorted((one, other) => other - one));
  const byMe = await projectFeed(projectId, { actor: tenant.userId });
  expect(byMe.activities.map(({ entityId }) => entityId)).toEqual([documentId]);
  const comments = await projectFeed(projectId, { action: "comment_added" });
  expect(comments.activities).toHaveLength(7);
});

test("who follows a feed misses nothing that is committed late", async () => {
  const projectId = await newProject();
  const { position: start } = await projectFeed(projectId);
  const release = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const held = rest.sql.begin(async (tx) => {
    await write(tx, projectId, 1);
    begun.resolve();
    await release.promise;
    await write(tx, projectId, 3);
  });
  await begun.promise;
  await write(rest.sql, projectId, 2);
  // Whoever looks sees it; whoever follows waits for what may come before it.
  expect((await projectFeed(projectId)).activities).toHaveLength(1);
  const early = await projectFeed(projectId, { after: start });
  expect(early.activities).toEqual([]);
  release.resolve();
  await held;
  const late = await projectFeed(projectId, { after: early.position });
  expect(late.activities.map(({ details }) => details["seq"])).toEqual([1, 2, 3]);
  expect((await projectFeed(projectId, { after: late.position })).activities).toEqual([]);
});

test("twenty writers at once, some of whom roll back: a follower sees each activity once and in order", async () => {
  const projectId = await newProject();
  let { position } = await projectFeed(projectId);
  const seen: unknown[] = [];
  const look = async (): Promise<void> => {
    const page = await projectFeed(projectId, { after: position, limit: 5 });
    expect(page.position).toBeGreaterThanOrEqual(position);
    seen.push(...page.activities.map(({ details }) => details["seq"]));
    position = page.position;
  };
  const writing = Array.from({ length: 20 }, (_, number) =>
    rest.sql
      .begin(async (tx) => {
        await write(tx, projectId, number);
        await tx`select pg_sleep(${(number % 5) / 100})`;
        await write(tx, projectId, number + 100);
        if (number % 4 === 0) throw new Error("rolled back");
      })
      .catch(() => null),
  );
  const written = Promise.all(writing);
  for (let round = 0; round < 10; round += 1) await look();
  await written;
  for (let round = 0; round < 10; round += 1) await look();
  const numbers = Array.from({ length: 20 }, (_, number) => number).filter(
    (each) => each % 4 !== 0,
  );
  const expected = [...numbers, ...numbers.map((number) => number + 100)];
  expect(seen).toHaveLength(expected.length);
  expect(new Set(seen)).toEqual(new Set(expected));
});
