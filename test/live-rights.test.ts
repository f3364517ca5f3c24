import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ApiClient } from "../client/api.ts";
import { setCollaborator } from "../persistence/accounts.ts";
import { countRows } from "./support/log-rows.ts";
import { startRest, type Rest } from "./support/rest.ts";
import { createAgent, keyOf, signedIn } from "./support/roles.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { openWire, type WireClient } from "./support/wire-client.ts";

let rest: Rest;
let tenant: Tenant;
let admin: ApiClient;
const clients: WireClient[] = [];

beforeAll(async () => {
  // The watch never looks in this file: what closes is closed by the request that changed the right.
  rest = await startRest({ RIGHTS_CHECK_EVERY_MS: "3600000" });
  tenant = await createTenant(rest.sql);
  admin = rest.client(tenant.token);
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await until(() => rest.node.collaboration.documents.getDocumentsCount() === 0);
  expect(rest.node.collaboration.rights.open.size).toBe(0);
});
afterAll(() => rest.close());

async function open(name: string, token: string): Promise<WireClient> {
  const url = `${rest.url.replace("http", "ws")}/collaboration`;
  const client = await openWire({ url, name, token });
  clients.push(client);
  await client.answered();
  return client;
}
