import { afterAll, beforeAll, expect, test } from "vitest";
import { ApiError, createApiClient } from "../client/api.ts";
import { verifyDocument } from "../persistence/verify.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { untilServerForgotten } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { until } from "./support/until.ts";
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

/** Commands one after the other until the server is gone; keeps the ids of comments that were acknowledged. */
async function comment(port: number, documentId: string, acknowledged: string[]): Promise<void> {
  const client = createApiClient({ url: `http://127.0.0.1:${port}`, token: () => tenant.token });
  const params = { documentId };
  let threadId: string | null = null;
  try {
    for (let number = 0; ; number += 1) {
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
  } catch (error) {
    // It was killed: what was under way is there or is not.
    if (error instanceof ApiError) throw error;
  }
}

test(
  `kill -9 during ${COMMANDS} comment commands: row and thread exist together or neither does`,
  { timeout: 600_000 },
  async () => {
    const { documentId } = await tenant.document();
    const acknowledged: string[] = [];
    const perKill = COMMANDS / KILLS;
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const server = await startServer({ env: database.env });
      const wanted = acknowledged.length + 1 + random() * 2 * perKill;
      const writers = Array.from({ length: WRITERS }, () =>
        comment(server.port, documentId, acknowledged),
      );
      const enough = until(() => acknowledged.length >= wanted, { timeoutMs: 120_000 });
      await Promise.race([enough, Promise.all(writers)]);
      await server.end("SIGKILL");
      await Promise.all(writers);
      await untilServerForgotten(database.sql);
      const { problems } = await verifyDocument(database.sql, documentId);
      expect(problems, `kill ${kill}`).toEqual([]);
    }
    const rows = await database.sql<{ id: string }[]>`
    select id from comments where parent_id = ${documentId}`;
    const stored = new Set(rows.map(({ id }) => id));
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(KILLS);
    const [row] = await database.sql<{ told: number }[]>`
    select count(*)::int as told from activities
    where entity_id = ${documentId} and action = 'comment_added'`;
    expect(row?.told).toBe(stored.size);
  },
);
