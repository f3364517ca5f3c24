import { HocuspocusProvider } from "@hocuspocus/provider";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { createApiClient, openInbox, type InboxEvent } from "../client/index.ts";
import { compactDocument } from "../persistence/compaction.ts";
import { parseMarkdown } from "../schema/content.ts";
import { mentionElement } from "./support/large-document.ts";
import { readHead } from "./support/log-rows.ts";
import { signedIn } from "./support/roles.ts";
import { freePort } from "./support/server-process.ts";
import { useServers } from "./support/servers.ts";
import { useTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

const { database, tenant } = await useTenant();
const { sql } = database;
const startServer = useServers();

const ENV = {
  PROJECT_AFTER_MS: "20",
  PROJECT_AT_LATEST_MS: "100",
  SWEEP_EVERY_MS: "500",
  EDIT_BURST_MS: "200",
};

const BACKOFF = { minMs: 10, firstMs: 50, factor: 2, maxMs: 500 };

type Told = { position: number; onceKey: string; metadata: Record<string, unknown> };

const inboxOf = (userId: string): Promise<Told[]> =>
  sql<Told[]>`
    select n.position::int, n.once_key as "onceKey", n.metadata from notifications n join inboxes i on i.id = n.inbox_id
    where i.user_id = ${userId} order by n.position`;

const mentionsNow = async (documentId: string): Promise<string[]> => {
  const rows = await sql<{ target: string; occurrence: number }[]>`
    select target_id as target, occurrence from mentions where source_id = ${documentId} order by 1, 2`;
  return rows.map(({ target, occurrence }) => `${target} ${occurrence}`);
};

/** Everything the provider has is committed, and derived. */
async function projected(provider: HocuspocusProvider, documentId: string): Promise<void> {
  await until(() => provider.synced && !provider.hasUnsyncedChanges, { timeoutMs: 30_000 });
  await until(
    async () => {
      const { head, projected: reached } = await readHead(sql, { documentId, part: "content" });
      return head === reached;
    },
    { timeoutMs: 30_000 },
  );
}

const block = (provider: HocuspocusProvider, index: number): Y.XmlElement =>
  provider.document.getXmlFragment("default").get(index) as Y.XmlElement;

/** The block at `from` leaves the text, and is put in again at `to`: new structs, as an editor's cut and paste makes them. */
async function cutAndPaste(
  provider: HocuspocusProvider,
  documentId: string,
  [from, to]: [number, number],
): Promise<void> {
  const fragment = provider.document.getXmlFragment("default");
  const copy = block(provider, from).clone();
  fragment.delete(from, 1);
  await projected(provider, documentId);
  expect(await mentionsNow(documentId)).toEqual([]);
  fragment.insert(to, [copy]);
  await projected(provider, documentId);
}

test("[P1 T52] a typed mention notifies once: 10 restarts, 5 compactions, a cut and paste later there is one", async () => {
  const { userId: bob, token } = await signedIn(sql, tenant, { member: "member" });
  const { documentId, name } = await tenant.document({
    content: parseMarkdown("First.\n\nSecond.\n\nThird.\n"),
  });
  const port = await freePort();
  const url = `ws://127.0.0.1:${port}/collaboration`;
  const document = new Y.Doc();
  // A stock provider that lost its server waits up to half a minute; one that is new does not.
  const connect = () => new HocuspocusProvider({ url, name, document, token: tenant.token });
  let server = await startServer({ env: { ...database.env, ...ENV }, port });
  const api = createApiClient({ url: `http://127.0.0.1:${port}`, token: () => token });
  const heard: number[] = [];
  const onEvent = (event: InboxEvent): void => {
    if (event.event === "notification") heard.push(event.body.position);
  };
  const inbox = openInbox({ api, onEvent, lastEventId: "0", backoff: BACKOFF });
  let provider = connect();
  await until(() => provider.synced);
  block(provider, 0).insert(1, [
    mentionElement("user", bob),
    mentionElement("user", tenant.userId),
  ]);
  await projected(provider, documentId);
  const first = await inboxOf(bob);
  expect(first).toMatchObject([
    {
      position: 1,
      onceKey: `mention:document:${documentId}:user:${bob}:1`,
      metadata: { documentId, byUserId: tenant.userId },
    },
  ]);
  await until(() => heard.length > 0, { describe: "Bob hears of it on his event stream" });
  block(provider, 0).delete(2, 1);
  for (let restart = 1; restart <= 10; restart += 1) {
    await server.end(restart % 2 === 0 ? "SIGTERM" : "SIGKILL");
    provider.destroy();
    (block(provider, 1).get(0) as Y.XmlText).insert(0, `${restart} `);
    server = await startServer({ env: { ...database.env, ...ENV }, port });
    provider = connect();
    await projected(provider, documentId);
    if (restart % 2 === 0) {
      const address = { documentId, part: "content" } as const;
      await compactDocument(sql, address, { versions: { minIntervalMs: 0 } });
    }
    if (restart === 5) await cutAndPaste(provider, documentId, [0, 2]);
  }
  expect(await mentionsNow(documentId)).toEqual([`${bob} 1`]);
  expect(await inboxOf(bob)).toEqual(first);
  // Nobody is told that he mentioned himself.
  expect(await inboxOf(tenant.userId)).toEqual([]);
  // A second mention is another one.
  block(provider, 0).insert(0, [mentionElement("user", bob)]);
  await projected(provider, documentId);
  expect((await inboxOf(bob)).map(({ position }) => position)).toEqual([1, 2]);
  // One stream, which came back after every restart, has told each of them once.
  await until(() => heard.includes(2), { describe: "Bob hears of the second" });
  expect(heard).toEqual([1, 2]);
  await inbox.close();
  provider.destroy();
  expect(await server.end("SIGTERM")).toBe(0);
}, 600_000);
