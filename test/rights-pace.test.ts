import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Sql } from "../persistence/database.ts";
import { readHead } from "./support/log-rows.ts";
import { keyOf, signedIn } from "./support/roles.ts";
import { createRandom } from "./support/seed.ts";
import { nightly, sized } from "./support/size.ts";
import type { Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { openWire } from "./support/wire-client.ts";
import { useWorld } from "./support/world.ts";

/** The watch looks as often as it does by itself. */
const world = await useWorld();

const ROUNDS = sized(1, 20);

/**
 * Once a second it looks. Two are promised on another node, and what another program changes is like that: by night that
 * is what is shown. By day, on a machine that is somebody else's too, only that he is cut off at all and soon.
 */
const PROMISED_MS = sized(10_000, 2000);

type Somebody = { readonly token: string; readonly change: () => Promise<unknown> };

const HOW: Readonly<Record<string, (sql: Sql, tenant: Tenant) => Promise<Somebody>>> = {
  "whose session is ended": async (sql, tenant) => {
    const { token, sessionId } = await signedIn(sql, tenant, { collaborator: "editor" });
    return {
      token,
      change: () => sql`update sessions set revoked_at = now() where id = ${sessionId}`,
    };
  },
  "whose key is revoked": async (sql, tenant) => {
    const { token, keyId } = await keyOf(sql, tenant);
    return { token, change: () => sql`update api_keys set revoked_at = now() where id = ${keyId}` };
  },
  "who is no member any more": async (sql, tenant) => {
    const { token, userId } = await signedIn(sql, tenant, { member: "admin" });
    return { token, change: () => sql`delete from organization_members where user_id = ${userId}` };
  },
  "whose role is lowered": async (sql, tenant) => {
    const { token, userId } = await signedIn(sql, tenant, { collaborator: "editor" });
    return {
      token,
      change: () => sql`update collaborators set role = 'viewer' where user_id = ${userId}`,
    };
  },
};

test.each(Object.entries(HOW))(
  `[A3 T44] who types and %s by another program is cut off within ${PROMISED_MS / 1000} s${nightly ? "" : " (by night 2 s)"}, and nothing of his is written after`,
  { timeout: sized(60_000, 600_000) },
  async (_who, make) => {
    const random = createRandom();
    const { database, tenant, node } = world;
    const { sql } = database;
    const took: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { documentId, name } = await tenant.document();
      const { token, change } = await make(sql, tenant);
      const client = await openWire({ url: node.url, name, token });
      world.clients.push(client);
      const typing = setInterval(
        () => client.document.getText("diagram").insert(0, randomUUID()),
        20,
      );
      await delay(random() * 1000);
      await change();
      const changedMs = performance.now();
      await until(() => client.closed !== null, { timeoutMs: 30_000 });
      took.push(performance.now() - changedMs);
      const written = await settledHead(sql, documentId);
      await delay(100);
      clearInterval(typing);
      expect(await settledHead(sql, documentId)).toBe(written);
    }
    const most = Math.max(...took);
    process.stdout.write(`cut off after ${Math.round(most)} ms at most\n`);
    expect(most).toBeLessThan(PROMISED_MS);
  },
);

/** How far the log is; what was taken in before is committed, whoever sent it. */
async function settledHead(sql: Sql, documentId: string): Promise<number> {
  const { documents } = world.node.collaboration;
  await until(() => documents.getDocumentsCount() === 0, { describe: "the document is unloaded" });
  return (await readHead(sql, { documentId, part: "content" })).head;
}
