import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiClient } from "../client/api.ts";
import { verifyDocument } from "../persistence/verify.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { untilServerForgotten } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { useServers } from "./support/servers.ts";
import { sized } from "./support/size.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";

const COMMANDS = sized(200, 1000);
const KILLS = sized(3, 20);
const WRITERS = 4;

let database: TestDatabase;
let tenant: Tenant;
const random = createRandom();
const startServer = useServers();

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database.sql);
});
afterAll(() => database.close());

/** Commands one after the other until the server is gone; answers the ids of comments that were acknowledged. */
async function comment(port: number, documentId: string, count: number): Promise<string[]> {
  const client = createApiClient({ url: `http://127.0.0.1:${port}`, token: () => tenant.token });
  const params = { documentId };
  const acknowledged: string[] = [];
  let threadId: string | null = null;
  try {
    for (let number = 0; number < count; number += 1) {
      const body = { markdown: `words ${number}` };
      if (threadId === null || random() < 0.3) {
        threadId = (await client.createThread({ params, body })).body.id;
        acknowledged.push(threadId);
      } else if (random() < 0.7) {
        const reply = await client.createReply({ params: { ...params, threadId }, body });
        acknowledged.push(reply.body.id);
      } else if (random() < 0.5) {
        await client.resolveThread({ params: { ...params, threadId } });
      } else {
        const commentId = acknowledged[Math.floor(random() * acknowledged.length)] ?? threadId;
        await client.addReaction({ params: { ...params, commentId, emoji: "👍" } });
      }
    }
  } catch {
    // It was killed: what was under way is there or is not.
  }
  return acknowledged;
}

test(
  `kill -9 during ${COMMANDS} comment commands: row and thread exist together or neither does`,
  { timeout: 600_000 },
  async () => {
    const { documentId } = await tenant.document();
    const acknowledged: string[] = [];
    const perWriter = Math.ceil(COMMANDS / KILLS / WRITERS);
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const server = await startServer({ env: database.env });
      const writers = Array.from({ length: WRITERS }, () =>
        comment(server.port, documentId, perWriter),
      );
      await Promise.race([Promise.all(writers), delay(random() * perWriter * 30)]);
      await server.end("SIGKILL");
      acknowledged.push(...(await Promise.all(writers)).flat());
      await untilServerForgotten(database.sql);
      const { problems } = await verifyDocument(database.sql, documentId);
      expect(problems, `kill ${kill}`).toEqual([]);
    }
    const rows = await database.sql<{ id: string }[]>`
    select id from comments where parent_id = ${documentId}`;
    const stored = new Set(rows.map(({ id }) => id));
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(KILLS);
    const [{ told = 0 } = {}] = await database.sql<{ told: number }[]>`
    select count(*)::int as told from activities
    where entity_id = ${documentId} and action = 'comment_added'`;
    expect(told).toBe(stored.size);
  },
);
