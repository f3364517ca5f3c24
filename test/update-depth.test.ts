import { expect, test } from "vitest";
import * as Y from "yjs";
import { compactDocument } from "../persistence/compaction.ts";
import { projectDocument } from "../persistence/projection.ts";
import { parseConfig } from "../server/config.ts";
import { replayRows } from "./support/log-rows.ts";
import { until } from "./support/until.ts";
import { openWire } from "./support/wire-client.ts";
import { useWorld } from "./support/world.ts";

const world = await useWorld();

/** Quotes in one another, and a text in the innermost: as deep as the configuration allows. */
function deepest(doc: Y.Doc, levels: number): void {
  let around: Y.XmlFragment = doc.getXmlFragment("default");
  doc.transact(() => {
    for (let left = levels - 2; left > 0; left -= 1) {
      const quote = new Y.XmlElement("blockquote");
      around.insert(0, [quote]);
      around = quote;
    }
    const paragraph = new Y.XmlElement("paragraph");
    around.insert(0, [paragraph]);
    paragraph.insert(0, [new Y.XmlText("at the bottom")]);
  });
}

test("[T37] a document that nests as deep as is allowed goes through every exit", async () => {
  const { node, tenant, database } = world;
  const { documentId, name } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  const client = await openWire({ url: node.url, name, token: tenant.token });
  deepest(client.document, parseConfig({}).MAX_NESTING);
  await client.answered();
  expect([client.closed, client.refused]).toEqual([null, 0]);
  await client.close();
  await until(() => node.collaboration.documents.live(name) === undefined);
  await compactDocument(database.sql, address, { versions: { minIntervalMs: 0 } });
  await projectDocument(database.sql, documentId);
  expect((await replayRows(database.sql, address)).getXmlFragment("default").length).toBe(1);
  const base = `http://127.0.0.1:${node.port}/api/v1/documents/${documentId}/content`;
  for (const format of ["json", "markdown", "html"]) {
    const answer = await fetch(`${base}?format=${format}`, {
      headers: { authorization: `Bearer ${tenant.token}` },
    });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("at the bottom");
  }
  const again = await openWire({ url: node.url, name, token: tenant.token });
  world.clients.push(again);
  expect(again.document.getXmlFragment("default").toJSON()).toContain("at the bottom");
});
