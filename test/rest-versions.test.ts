import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as Y from "yjs";
import type { ApiClient } from "../client/api.ts";
import { compactDocument } from "../persistence/compaction.ts";
import { applySnapshot } from "../persistence/snapshot-encoding.ts";
import { yDocToContent } from "../schema/yjs-content.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";
import { signedIn } from "./support/roles.ts";
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

async function newDocument(markdown: string): Promise<{ documentId: string }> {
  const { body } = await client.createDocument({
    params: { projectId: tenant.projectId },
    body: { title: "Test", type: "feature_requirements", markdown },
  });
  return { documentId: body.id };
}

const put = (params: { documentId: string }, body: string) =>
  client.putContent({ params, body }, { ifMatch: "*", contentType: "text/markdown" });

test("[V2] a named version keeps what was committed, and stays as it was", async () => {
  const params = await newDocument("first");
  const { body } = await client.createVersion({ params, body: { name: "Draft" } });
  expect(body).toMatchObject({ number: 1, kind: "named", name: "Draft", seq: 1 });
  expect(body.createdBy).toBe(tenant.userId);
  const then = (await client.getContent({ params })).body.content;
  await put(params, "second");
  const version = await client.getVersion({ params: { ...params, number: 1 } });
  expect(version.body.content).toEqual(then);
  const of = (format: "markdown" | "html") =>
    client.getVersion({ params: { ...params, number: 1 }, query: { format } });
  expect((await of("markdown")).text).toBe("first\n");
  expect((await of("html")).text).toContain("<p");
  const [row] = await rest.sql<{ state: Uint8Array }[]>`
    select state from document_versions where document_id = ${params.documentId}`;
  const doc = new Y.Doc();
  applySnapshot(doc, row?.state ?? new Uint8Array(), "v2+zstd", null);
  expect(yDocToContent(doc)).toEqual(then);
});

test("versions are listed newest first, page by page, the automatic ones too", async () => {
  const params = await newDocument("text");
  for (let number = 1; number <= 5; number += 1) {
    await put(params, `text ${number}`);
    if (number === 3) {
      const address = { ...params, part: "content" } as const;
      await compactDocument(rest.sql, address, { versions: { minIntervalMs: 0 } });
    } else await client.createVersion({ params, body: { name: `v${number}` } });
  }
  const seen: [number, string][] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: 2, ...(cursor !== undefined && { cursor }) };
    const { body } = await client.listVersions({ params, query });
    seen.push(...body.versions.map(({ number, kind }): [number, string] => [number, kind]));
    cursor = body.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toEqual([
    [5, "named"],
    [4, "named"],
    [3, "automatic"],
    [2, "named"],
    [1, "named"],
  ]);
  const forged = btoa(JSON.stringify(["-number", "one", randomUUID()]));
  expect(await codeOf(client.listVersions({ params, query: { cursor: forged } }))).toBe(
    "bad_request",
  );
});

test("numbers have no gaps and none twice, however many are made at once, beside compactions", async () => {
  const params = await newDocument("text");
  const address = { ...params, part: "content" } as const;
  const made = Array.from({ length: 12 }, (_, index) =>
    client.createVersion({ params, body: { name: `v${index}` } }),
  );
  await put(params, "other");
  await compactDocument(rest.sql, address, { versions: { minIntervalMs: 0 } });
  await Promise.all(made);
  const { body } = await client.listVersions({ params, query: { limit: 200 } });
  const numbers = body.versions.map(({ number }) => number).toReversed();
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  expect(numbers.length).toBeGreaterThanOrEqual(12);
});

test("the same request with one key makes one version", async () => {
  const params = await newDocument("text");
  const headers = { idempotencyKey: randomUUID() };
  const call = { params, body: { name: "Once" } };
  const answers = await Promise.all([1, 2, 3].map(() => client.createVersion(call, headers)));
  expect(answers.map(({ body }) => body.number)).toEqual([1, 1, 1]);
});

test("[A1] a viewer reads versions and makes none; there is none of a deleted document", async () => {
  const params = await newDocument("text");
  await client.createVersion({ params, body: { name: "One" } });
  const viewer = rest.client((await signedIn(rest.sql, tenant, { member: "member" })).token);
  expect((await viewer.listVersions({ params })).body.versions.length).toBe(1);
  expect(await codeOf(viewer.createVersion({ params, body: { name: "No" } }))).toBe("forbidden");
  const missing = client.getVersion({ params: { ...params, number: 7 } });
  expect(await codeOf(missing)).toBe("not_found");
  const stranger = rest.client((await createTenant(rest.sql)).token);
  expect(await codeOf(stranger.listVersions({ params }))).toBe("document_not_found");
  await client.deleteDocument({ params });
  const gone = [
    client.listVersions({ params }),
    client.getVersion({ params: { ...params, number: 1 } }),
    client.createVersion({ params, body: { name: "Two" } }),
    client.getContent({ params }),
    client.listPresence({ params }),
    put(params, "x"),
  ];
  const codes = await Promise.all(gone.map(codeOf));
  expect(codes).toEqual(gone.map(() => "document_not_found"));
});
