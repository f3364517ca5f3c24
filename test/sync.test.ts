import { HocuspocusProvider } from "@hocuspocus/provider";
import { expect, test } from "vitest";
import { until } from "./support/until.ts";
import { useWorld } from "./support/world.ts";

const world = await useWorld();

const connect = (name: string, token = world.tenant.token) =>
  new HocuspocusProvider({ url: world.node.url, name, token });

test("[L1] two stock providers converge, and what is acknowledged is in the log", async () => {
  const { documentId, name } = await world.tenant.document();
  const [one, other] = [connect(name), connect(name)];
  await until(() => one.synced && other.synced);
  one.document.getText("diagram").insert(0, "one ");
  other.document.getText("diagram").insert(0, "other ");
  await until(() => !one.hasUnsyncedChanges && !other.hasUnsyncedChanges);
  const rows = await world.database.sql<{ seq: string }[]>`
    select seq from yjs_updates where document_id = ${documentId} order by seq`;
  expect(rows.map(({ seq }) => Number(seq))).toEqual(rows.map((_, index) => index + 1));
  expect(rows.length).toBeGreaterThan(0);
  const text = () => one.document.getText("diagram").toJSON();
  await until(() => text() === other.document.getText("diagram").toJSON());
  expect(text()).toContain("one ");
  one.destroy();
  other.destroy();
  await until(() => world.node.collaboration.documents.getDocumentsCount() === 0);
});
