import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RightsWatch } from "../extensions/rights-watch.ts";
import { createDatabase } from "../persistence/database.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { startTestNode } from "./support/node.ts";
import { type PostgresProxy, startPostgresProxy } from "./support/postgres-proxy.ts";
import { signedIn } from "./support/roles.ts";
import { createTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { openWire } from "./support/wire-client.ts";

/** The watch's statement, and no other. */
const WATCH = "q(document_id, user_id, session_id, key_id, place)";

let database: TestDatabase;
let proxy: PostgresProxy;

beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await startPostgresProxy(database.location);
});
afterEach(async () => {
  await proxy.close();
  await database.close();
});

test.each([
  ["is lost, and no other is to be had", () => proxy.refuse()],
  ["hangs, and the watch takes another", async () => {}],
])(
  "[A3 L7] the connection %s: nobody is sent away, and later who has to go",
  async (_what, fail) => {
    const { sql } = database;
    const node = await startTestNode(database, { RIGHTS_CHECK_EVERY_MS: "3600000" });
    const tenant = await createTenant(sql);
    const { name } = await tenant.document();
    const { userId, token } = await signedIn(sql, tenant, { collaborator: "editor" });
    const stays = await openWire({ url: node.url, name, token: tenant.token });
    const goes = await openWire({ url: node.url, name, token });
    // Of the node only the watch is behind the proxy, so that everything else goes on.
    const behind = createDatabase({ location: proxy.url, applicationName: "scriptorium-test" });
    const complaints: string[] = [];
    proxy.stop("before", WATCH);
    const watch = new RightsWatch({
      rights: node.collaboration.rights,
      connect: () => behind.connect(),
      everyMs: 20,
      answerTimeoutMs: 200,
      logger: pino({}, { write: (line: string) => complaints.push(line) }),
    });
    await until(() => proxy.stopped === 1);
    await sql`update collaborators set removed_at = now() where user_id = ${userId}`;
    await fail();
    await until(() => complaints.length === 1);
    expect(complaints[0]).toContain("rights were not looked up");
    stays.document.getText("diagram").insert(0, "on we go");
    await stays.answered();
    expect([stays.closed, goes.closed]).toEqual([null, null]);
    await proxy.release();
    expect(await goes.untilClosed()).toEqual({ code: 4404, reason: "document_not_found" });
    expect(stays.closed).toBeNull();
    await watch.close();
    await stays.close();
    await behind.close();
    await node.close();
  },
);
