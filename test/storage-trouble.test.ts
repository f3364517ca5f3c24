import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase } from "../persistence/database.ts";
import { documentName } from "../schema/ids.ts";
import type { TestDatabase } from "./support/database.ts";
import { startTestNode } from "./support/node.ts";
import { Oracle } from "./support/oracle.ts";
import { faultsInDatabase } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { useTenant } from "./support/tenant.ts";
import { openTypist } from "./support/typist.ts";
import { until } from "./support/until.ts";
import { connectWire } from "./support/wire-client.ts";

const { database, tenant } = await useTenant();
const { sql } = database;
const random = createRandom();

/** The server's own role: what befalls it does not befall the test. Roles belong to all databases, hence the name. */
const role = `app_${randomBytes(6).toString("hex")}`;
const password = randomBytes(16).toString("hex");

const ddl = (statement: string): Promise<unknown> => sql.unsafe(statement);

/** Ends the server's connections: what was changed counts from the next one on. */
const cut = () =>
  sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`;

/** What PostgreSQL says to the server, how that begins and how it ends. */
const TROUBLES = [
  {
    what: "25006: a standby after a failover, or made read-only",
    begin: `alter role ${role} set default_transaction_read_only = on`,
    end: `alter role ${role} reset default_transaction_read_only`,
  },
  {
    what: "28000: the role may not log in",
    begin: `alter role ${role} nologin`,
    end: `alter role ${role} login`,
  },
  {
    what: "53300: too many connections",
    begin: `alter role ${role} connection limit 0`,
    end: `alter role ${role} connection limit -1`,
  },
  {
    what: "42501: rights were taken away",
    begin: `revoke all on all tables in schema public from ${role}`,
    end: `grant all on all tables in schema public to ${role}`,
  },
];

let node: Awaited<ReturnType<typeof startTestNode>>;
let ours: ReturnType<typeof createDatabase>;

beforeAll(async () => {
  await ddl(`create role ${role} login password '${password}';
    grant all on all tables in schema public to ${role};
    grant all on all sequences in schema public to ${role}`);
  const location = asRole(database.location);
  ours = createDatabase({ location, applicationName: "scriptorium-server" });
  node = await startTestNode({ database: ours, location }, { COMMIT_TIMEOUT_MS: "1000" });
});
afterAll(async () => {
  await node.close();
  await ours.close();
  await ddl(`drop owned by ${role}; drop role ${role}`);
});

function asRole(location: TestDatabase["location"]): TestDatabase["location"] {
  if (typeof location !== "string") return { ...location, username: role, password };
  const url = new URL(location);
  return Object.assign(url, { username: role, password }).href;
}

const get = (path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${node.port}${path}`, {
    headers: { authorization: `Bearer ${tenant.token}` },
  });

test.each(TROUBLES)(
  "[L7 T7] $what: storage trouble at every door, and it passes",
  async (trouble) => {
    const oracle = new Oracle();
    const { documentId } = await tenant.document();
    const { url } = node;
    const typist = await openTypist({ url, documentId, token: tenant.token, oracle, random });
    typist.edit();
    await until(() => typist.unacknowledged === 0);

    await ddl(trouble.begin);
    await cut();
    const acknowledged = oracle.acknowledged;
    typist.edit();
    await until(() => node.updateLog.failingSinceMs !== null, { describe: "a commit fails" });
    expect(await (await get("/readyz")).json()).toMatchObject({ reason: "storage_unavailable" });
    if (!isReadable(trouble)) {
      const refused = await get(`/api/v1/documents/${documentId}`);
      expect([refused.status, await refused.json()]).toMatchObject([
        503,
        { code: "storage_unavailable" },
      ]);
      const name = documentName((await tenant.document()).documentId, "content");
      const newcomer = connectWire({ url, name, token: tenant.token });
      newcomer.synced().catch(() => {});
      expect(await newcomer.untilClosed()).toEqual({ code: 4503, reason: "storage_unavailable" });
    }
    typist.edit();
    expect([typist.closeCode, oracle.acknowledged]).toEqual([null, acknowledged]);

    await ddl(trouble.end);
    await until(() => typist.unacknowledged === 0, { describe: "acknowledgements resume" });
    await until(async () => (await get("/readyz")).status === 200, { describe: "ready again" });
    await typist.destroy();
    expect(oracle.acknowledged).toBe(acknowledged + 2);
    expect(await faultsInDatabase(sql, oracle)).toEqual([]);
  },
);

/** What only reads goes on where only writing is refused. */
const isReadable = ({ what }: { what: string }): boolean => what.startsWith("25006");
