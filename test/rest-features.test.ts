import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createProject } from "../persistence/accounts.ts";
import { encodeCursor } from "../schema/api/cursor.ts";
import { codeOf, useRest } from "./support/rest.ts";
import { signedIn } from "./support/roles.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";

const { rest, tenant: ours } = await useRest();
const theirs = await createTenant(rest.sql);

type Fields = { parentId?: string | null; name?: string; slug?: string; sortOrder?: number };

/** Makes a feature; its id. */
async function feature(tenant: Tenant, fields: Fields = {}, projectId = tenant.projectId) {
  const body = { name: "Feature", slug: `s-${randomUUID()}`, ...fields };
  const made = await rest.client(tenant.token).createFeature({ params: { projectId }, body });
  return made.body.id;
}

const parentOf = async (featureId: string) =>
  (await rest.client(ours.token).getFeature({ params: { featureId } })).body.parentId;

describe("the tree", () => {
  test("is listed flat by sort order and name, page by page", async () => {
    const tenant = await createTenant(rest.sql);
    const client = rest.client(tenant.token);
    const top = await feature(tenant, { name: "b:1", sortOrder: 5 });
    await feature(tenant, { name: "C", sortOrder: -3, parentId: top });
    await feature(tenant, { name: "a\u{1f600}", sortOrder: 5, parentId: top });
    await feature(tenant, { name: "b:1", sortOrder: 5 });
    await feature(tenant, { name: "z", sortOrder: 2_147_483_647 });
    await feature(tenant, { name: "y", sortOrder: -2_147_483_648 });
    const params = { projectId: tenant.projectId };
    const names: string[] = [];
    let cursor: string | null = null;
    do {
      const { body }: Awaited<ReturnType<typeof client.listFeatures>> = await client.listFeatures({
        params,
        query: { limit: 1, ...(cursor !== null && { cursor }) },
      });
      names.push(...body.features.map(({ name }) => name));
      cursor = body.nextCursor;
    } while (cursor !== null);
    expect(names).toEqual(["y", "C", "a\u{1f600}", "b:1", "b:1", "z"]);
  });

  test.each(["x", "1", ":", "1.5:a", "2147483648:a", "99999999999:a", "--1:a", "1e3:a"])(
    "refuses the made-up cursor %j",
    async (value) => {
      const cursor = encodeCursor("sortOrder", { value, id: randomUUID() });
      const params = { projectId: ours.projectId };
      const call = rest.client(ours.token).listFeatures({ params, query: { cursor } });
      expect(await codeOf(call)).toBe("bad_request");
    },
  );

  test("a feature moves with everything below it, to the top and back", async () => {
    const client = rest.client(ours.token);
    const [a, b] = [await feature(ours), await feature(ours)];
    const below = await feature(ours, { parentId: b });
    const params = { featureId: b };
    const { body: moved } = await client.updateFeature({ params, body: { parentId: a } });
    expect(moved.parentId).toBe(a);
    expect(await parentOf(below)).toBe(b);
    const { body: named } = await client.updateFeature({ params, body: { name: "Named" } });
    expect(named).toMatchObject({ parentId: a, name: "Named" });
    const { body: top } = await client.updateFeature({ params, body: { parentId: null } });
    expect(top.parentId).toBeNull();
  });

  test("a feature never lies below itself", async () => {
    const client = rest.client(ours.token);
    const a = await feature(ours);
    const b = await feature(ours, { parentId: a });
    const c = await feature(ours, { parentId: b });
    for (const parentId of [a, b, c]) {
      const call = client.updateFeature({ params: { featureId: a }, body: { parentId } });
      expect(await codeOf(call)).toBe("conflict");
    }
    expect(await parentOf(a)).toBeNull();
  });

  test("moves at the same time make no cycle", async () => {
    const client = rest.client(ours.token);
    for (let round = 0; round < 5; round += 1) {
      const ring = await Promise.all(Array.from({ length: 4 }, () => feature(ours)));
      // Each below the next, the last below the first: all but one can be.
      const codes = await Promise.all(
        ring.map((featureId, index) => {
          const parentId = ring[(index + 1) % ring.length] ?? null;
          return codeOf(client.updateFeature({ params: { featureId }, body: { parentId } }));
        }),
      );
      expect(codes.filter((code) => code === "conflict")).toHaveLength(1);
      expect(codes.filter((code) => code === null)).toHaveLength(3);
    }
  });

  test("[A1] a parent of another project or tenant does not exist", async () => {
    const client = rest.client(ours.token);
    const { organizationId, projectId } = ours;
    const other = await createProject(rest.sql, { organizationId, name: "O", slug: randomUUID() });
    const own = await feature(ours);
    const deleted = await feature(ours);
    await client.deleteFeature({ params: { featureId: deleted } });
    const parents = [await feature(theirs), await feature(ours, {}, other), deleted, randomUUID()];
    for (const parentId of parents) {
      const body = { name: "X", slug: `s-${randomUUID()}`, parentId };
      expect(await codeOf(client.createFeature({ params: { projectId }, body }))).toBe("not_found");
      const move = client.updateFeature({ params: { featureId: own }, body: { parentId } });
      expect(await codeOf(move)).toBe("not_found");
    }
    expect(await parentOf(own)).toBeNull();
  });
});

describe("deleting", () => {
  test("takes what is below along, leaves the documents, and frees the slugs", async () => {
    const client = rest.client(ours.token);
    const slug = `s-${randomUUID()}`;
    const top = await feature(ours, { slug });
    const below = await feature(ours, { parentId: top });
    const beside = await feature(ours);
    const documentIds: string[] = [];
    for (const featureId of [top, below, beside]) {
      const { documentId } = await ours.document();
      await rest.sql`update documents set feature_id = ${featureId} where id = ${documentId}`;
      documentIds.push(documentId);
    }
    await client.deleteFeature({ params: { featureId: top } });
    for (const featureId of [top, below]) {
      expect(await codeOf(client.getFeature({ params: { featureId } }))).toBe("not_found");
      expect(await codeOf(client.deleteFeature({ params: { featureId } }))).toBe("not_found");
    }
    const { body: list } = await client.listFeatures({
      params: { projectId: ours.projectId },
      query: { limit: 200 },
    });
    expect(list.features.map(({ id }) => id)).toContain(beside);
    expect(list.features.map(({ id }) => id)).not.toContain(below);
    const documents = await rest.sql<{ feature: string | null; gone: Date | null }[]>`
      select feature_id as feature, deleted_at as gone from documents
      where id in ${rest.sql(documentIds)} order by array_position(${documentIds}::uuid[], id)`;
    expect(documents.map((row) => row.feature)).toEqual([null, null, beside]);
    expect(documents.every(({ gone }) => gone === null)).toBe(true);
    await feature(ours, { slug });
  });

  test("a child that is made while its parent is deleted is not left behind", async () => {
    const client = rest.client(ours.token);
    for (let round = 0; round < 5; round += 1) {
      const parentId = await feature(ours);
      const body = () => ({ name: "Child", slug: `s-${randomUUID()}`, parentId });
      const params = { projectId: ours.projectId };
      await Promise.all([
        codeOf(client.createFeature({ params, body: body() })),
        codeOf(client.deleteFeature({ params: { featureId: parentId } })),
        codeOf(client.createFeature({ params, body: body() })),
      ]);
      const orphans = await rest.sql`
        select 1 from features where parent_id = ${parentId} and deleted_at is null`;
      expect(orphans.count).toBe(0);
    }
  });
});

test("a document that is made while its feature is deleted is not left in it", async () => {
  const client = rest.client(ours.token);
  const params = { projectId: ours.projectId };
  for (let round = 0; round < 10; round += 1) {
    const featureId = await feature(ours);
    const make = () => {
      const body = { title: "D", type: "feature_blueprint", featureId } as const;
      return codeOf(client.createDocument({ params, body }));
    };
    const [first, , second] = await Promise.all([
      make(),
      client.deleteFeature({ params: { featureId } }),
      make(),
    ]);
    for (const code of [first, second]) expect([null, "not_found"]).toContain(code);
    const left = await rest.sql`select 1 from documents where feature_id = ${featureId}`;
    expect(left.count).toBe(0);
  }
});

describe("rights and retries", () => {
  test("[A1] editors change features, readers read them, others see none", async () => {
    const { projectId } = ours;
    const featureId = await feature(ours);
    const params = { projectId, featureId };
    const body = { name: "X", slug: `s-${randomUUID()}` };
    const editor = rest.client((await signedIn(rest.sql, ours, { collaborator: "editor" })).token);
    expect((await editor.updateFeature({ params, body: { name: "E" } })).body.name).toBe("E");
    const reviewer = await signedIn(rest.sql, ours, { collaborator: "reviewer" });
    for (const [token, code] of [
      [reviewer.token, "forbidden"],
      [theirs.token, "not_found"],
    ] as const) {
      const client = rest.client(token);
      const readable = code === "forbidden" ? null : code;
      expect(await codeOf(client.getFeature({ params }))).toBe(readable);
      expect(await codeOf(client.listFeatures({ params }))).toBe(readable);
      expect(await codeOf(client.createFeature({ params, body }))).toBe(code);
      expect(await codeOf(client.updateFeature({ params, body }))).toBe(code);
      expect(await codeOf(client.deleteFeature({ params }))).toBe(code);
    }
  });

  test("a slug is taken once; the same key makes one feature; a stale ETag changes nothing", async () => {
    const client = rest.client(ours.token);
    const params = { projectId: ours.projectId };
    const body = { name: "Once", slug: `s-${randomUUID()}` };
    const idempotencyKey = randomUUID();
    const first = await client.createFeature({ params, body }, { idempotencyKey });
    const again = await client.createFeature({ params, body }, { idempotencyKey });
    expect(again).toEqual(first);
    expect(await codeOf(client.createFeature({ params, body }))).toBe("conflict");
    const one = { featureId: first.body.id };
    const other = { featureId: await feature(ours) };
    expect(await codeOf(client.updateFeature({ params: other, body: { slug: body.slug } }))).toBe(
      "conflict",
    );
    const ifMatch = first.etag ?? "";
    await client.updateFeature({ params: one, body: { sortOrder: 7 } }, { ifMatch });
    const late = client.updateFeature({ params: one, body: { sortOrder: 8 } }, { ifMatch });
    expect(await codeOf(late)).toBe("precondition_failed");
    const gone = client.deleteFeature({ params: one }, { ifMatch });
    expect(await codeOf(gone)).toBe("precondition_failed");
    expect((await client.getFeature({ params: one })).body.sortOrder).toBe(7);
  });
});
