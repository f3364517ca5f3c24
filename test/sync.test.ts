import { HocuspocusProvider } from "@hocuspocus/provider";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { startTestNode } from "./support/node.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

let database: TestDatabase;
let node: Awaited<ReturnType<typeof startTestNode>>;
let tenant: Tenant;

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startTestNode(database);
  tenant = await createTenant(database.sql);
});
afterAll(async () => {
  await node.close();
  await database.close();
});

const connect = (name: string, token = tenant.token) =>
  new HocuspocusProvider({ url: node.url, name, token });

test("[L1] two stock providers converge, and what is acknowledged is in the log", async () => {
  const { documentId, name } = await tenant.document();
  const [one, other] = [connect(name), connect(name)];
  await until(() => one.synced && other.synced);
  one.document.getText("diagram").insert(0, "one ");
  other.document.getText("diagram").insert(0, "other ");
  await until(() => !one.hasUnsyncedChanges && !other.hasUnsyncedChanges);
  const rows = await database.sql<{ seq: string }[]>`
    select seq from yjs_updates where document_id = ${documentId} order by seq`;
  expect(rows.map(({ seq }) => Number(seq))).toEqual(rows.map((_, index) => index + 1));
  expect(rows.length).toBeGreaterThan(0);
  const text = () => one.document.getText("diagram").toJSON();
  await until(() => text() === other.document.getText("diagram").toJSON());
  expect(text()).toContain("one ");
  one.destroy();
  other.destroy();
  await until(() => node.collaboration.documents.getDocumentsCount() === 0);
});
