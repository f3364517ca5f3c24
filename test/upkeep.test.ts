import { expect, test } from "vitest";
import { appendRows, countRows, keystrokeRows, readHead } from "./support/log-rows.ts";
import { startTestNode } from "./support/node.ts";
import { useTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { openWire } from "./support/wire-client.ts";

const { database, tenant } = await useTenant();

type Address = { documentId: string; part: "content" };

async function withRows(count: number): Promise<Address & { name: string }> {
  const { documentId, name } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  await appendRows(database.sql, address, keystrokeRows(count));
  return { ...address, name };
}

const stateOf = async (address: Address): Promise<number> =>
  (await readHead(database.sql, address)).state;

async function withNode(
  environment: Record<string, string>,
  work: (node: Awaited<ReturnType<typeof startTestNode>>) => Promise<void>,
): Promise<void> {
  const node = await startTestNode(database, environment);
  try {
    await work(node);
    await until(() => node.collaboration.documents.getDocumentsCount() === 0);
  } finally {
    await node.close();
  }
}

test("[C4] a document is compacted while it is edited, when its rows outweigh its snapshot", async () => {
  await withNode({}, async (node) => {
    const { documentId, name } = await tenant.document();
    const address = { documentId, part: "content" } as const;
    const client = await openWire({ url: node.url, name, token: tenant.token });
    // Heavier than the least a snapshot is worth.
    for (let count = 0; count < 40; count += 1) {
      client.document.getText("diagram").insert(0, "0123456789".repeat(100));
      if (count % 10 === 0) await client.answered();
    }
    await client.answered();
    await until(async () => (await stateOf(address)) > 0, { describe: "it is compacted" });
    client.document.getText("diagram").insert(0, "and on");
    await client.answered();
    expect([client.closed, client.refused]).toEqual([null, 0]);
    await client.close();
  });
});

test("[C4] a document is compacted when it falls quiet, and gets a version", async () => {
  await withNode({ IDLE_AFTER_MS: "50" }, async (node) => {
    const { documentId, name } = await tenant.document();
    const client = await openWire({ url: node.url, name, token: tenant.token });
    client.document.getText("diagram").insert(0, "a short burst");
    await client.answered();
    await until(async () => (await stateOf({ documentId, part: "content" })) > 0);
    const versions = await database.sql`
      select diagram_source from document_versions where document_id = ${documentId}`;
    expect(versions.map((row) => ({ ...row }))).toEqual([{ diagram_source: "a short burst" }]);
    await client.close();
  });
});

test("[C4] a document that is left with a tail is compacted", async () => {
  const address = await withRows(100);
  await withNode({}, async (node) => {
    const client = await openWire({ url: node.url, name: address.name, token: tenant.token });
    await client.close();
    await until(async () => (await stateOf(address)) === 100);
    expect(await countRows(database.sql, address)).toBe(0);
  });
});

test("[C4] a long log that nobody opens is found by the sweep", async () => {
  const address = await withRows(600);
  await withNode({ SWEEP_EVERY_MS: "50" }, () =>
    until(async () => (await stateOf(address)) === 600),
  );
});

test("[C4 P1] a document that cannot be compacted or projected does not keep others from it", async () => {
  // The sweep takes the most behind first, so the broken one is at the head of both queues.
  const broken = await withRows(900);
  const sound = await withRows(700);
  await database.sql`
    update yjs_updates set update_data = '\\xff'::bytea where document_id = ${broken.documentId} and seq = 300`;
  await database.sql`
    update yjs_documents set updated_at = now() - interval '1 day' where document_id = ${broken.documentId}`;
  await withNode({ SWEEP_EVERY_MS: "200" }, async () => {
    await until(async () => {
      const head = await readHead(database.sql, sound);
      return head.state === 700 && head.projected === 700;
    });
    // Known from now on, without anybody having opened it.
    await until(async () => (await readHead(database.sql, broken)).quarantined === 300);
  });
  expect(await countRows(database.sql, broken)).toBe(900);
});
