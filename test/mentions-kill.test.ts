import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { createUser, setMember } from "../persistence/accounts.ts";
import { SCRIPT } from "../persistence/activities.ts";
import { parseMarkdown } from "../schema/content.ts";
import { mentionsIn } from "../schema/mentions.ts";
import { yDocToContent } from "../schema/yjs-content.ts";
import { mentionElement } from "./support/large-document.ts";
import { readAllRows, readHead, replayRows } from "./support/log-rows.ts";
import { untilServerForgotten } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { useServers } from "./support/servers.ts";
import { sized } from "./support/size.ts";
import { useTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { openWire, type WireClient } from "./support/wire-client.ts";

const { database, tenant } = await useTenant();
const { sql } = database;
const random = createRandom();
const startServer = useServers();

const KILLS = sized(2, 100);
const MENTIONED = 3;

const ENV = {
  PROJECT_AFTER_MS: "5",
  PROJECT_AT_LATEST_MS: "20",
  SWEEP_EVERY_MS: "200",
  EDIT_BURST_MS: "150",
};

async function member(): Promise<string> {
  const userId = await createUser(sql, { email: `${randomUUID()}@example.com`, name: "Bob" });
  const { organizationId } = tenant;
  await setMember(sql, { organizationId, userId, role: "member" }, SCRIPT);
  return userId;
}

type Place = { documentId: string; name: string };

async function openSynced(url: string, { name }: Place): Promise<WireClient> {
  const client = await openWire({ url, name, token: tenant.token });
  await client.synced();
  return client;
}

/** Types mentions and words until the socket is gone. Answers how often it mentioned somebody. */
async function typeMentions(client: WireClient, users: readonly string[]): Promise<number> {
  let typed = 0;
  const fragment = client.document.getXmlFragment("default");
  while (client.closed === null) {
    const user = users[Math.floor(random() * users.length)] ?? "";
    const block = fragment.get(Math.floor(random() * fragment.length)) as Y.XmlElement;
    if (random() < 0.5) (block.get(0) as Y.XmlText).insert(0, "ab");
    else {
      block.insert(1, [mentionElement("user", user)]);
      typed += 1;
    }
    await delay(random() * 20);
  }
  return typed;
}

/** As `mention:…` keys: what the log says is mentioned. Nothing is ever taken out here. */
async function committed({ documentId }: Place): Promise<string[]> {
  const doc = await replayRows(sql, { documentId, part: "content" });
  return mentionsIn(yDocToContent(doc)).map(
    ({ targetType, targetId, occurrence }) =>
      `mention:document:${documentId}:${targetType}:${targetId}:${occurrence}`,
  );
}

async function told({ documentId }: Place): Promise<string[]> {
  const rows = await sql<{ onceKey: string }[]>`
    select once_key as "onceKey" from notifications where entity_id = ${documentId}`;
  return rows.map(({ onceKey }) => onceKey);
}

/** Characters that rows brought in, and those that activities and open bursts tell of. */
async function added({ documentId }: Place): Promise<{ inLog: number; toldOf: number }> {
  const rows = await readAllRows(sql, { documentId, part: "content" });
  const strings = rows.flatMap(({ update }) =>
    Y.decodeUpdate(update).structs.filter(
      (struct) => struct instanceof Y.Item && struct.content instanceof Y.ContentString,
    ),
  );
  const [row] = await sql<{ toldOf: number }[]>`
    select coalesce((select sum((metadata ->> 'added')::int) from activities
                     where entity_id = ${documentId} and action = 'edited'), 0)::int
         + coalesce((select sum(added) from edit_bursts where document_id = ${documentId}), 0)::int as "toldOf"`;
  return { inLog: strings.reduce((sum, { length }) => sum + length, 0), toldOf: row?.toldOf ?? -1 };
}

test(
  "[P1 T52] each committed mention is told of once and each edit counted once, whenever the server is killed",
  async () => {
    const users = await Promise.all(Array.from({ length: MENTIONED }, member));
    const content = parseMarkdown("One.\n\nTwo.\n\nThree.\n");
    const places = await Promise.all([tenant.document({ content }), tenant.document({ content })]);
    let typed = 0;
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const server = await startServer({ env: { ...database.env, ...ENV } });
      const clients = await Promise.all(places.map((place) => openSynced(server.url, place)));
      const typing = clients.map((client) => typeMentions(client, users));
      await delay(500 + random() * 1500);
      await server.end("SIGKILL");
      for (const count of await Promise.all(typing)) typed += count;
      await untilServerForgotten(sql);
    }
    const server = await startServer({ env: { ...database.env, ...ENV } });
    for (const place of places) {
      await until(
        async () => {
          const head = await readHead(sql, { documentId: place.documentId, part: "content" });
          return head.projected === head.head;
        },
        { timeoutMs: 60_000, describe: "the last server has caught up" },
      );
      const expected = await committed(place);
      expect(expected.length).toBeGreaterThan(0);
      expect((await told(place)).toSorted()).toEqual(expected.toSorted());
      const { inLog, toldOf } = await added(place);
      expect(toldOf).toBe(inLog);
    }
    const inboxes = await sql<{ head: number; count: number }[]>`
    select i.head_position::int as head, count(n.id)::int as count
    from inboxes i left join notifications n on n.inbox_id = i.id group by i.id`;
    expect(inboxes.length).toBeGreaterThan(0);
    for (const { head, count } of inboxes) expect(head).toBe(count);
    expect(typed).toBeGreaterThan(0);
    expect(await server.end("SIGTERM")).toBe(0);
  },
  sized(240_000, 3_600_000),
);
