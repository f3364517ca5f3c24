import { randomUUID } from "node:crypto";
import { HocuspocusProvider } from "@hocuspocus/provider";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import * as Y from "yjs";
import type { ApiClient } from "../client/api.ts";
import { createSession } from "../persistence/accounts.ts";
import { SCRIPT } from "../persistence/activities.ts";
import type { Role } from "../schema/roles.ts";
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
  // Here the watch never looks: what is closed was closed by the request that changed the right.
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

type Somebody = { readonly userId: string; readonly sessionId: string; readonly token: string };

/** Somebody with his document open, and what changes for him. */
type Case = {
  readonly open: (name: string) => Promise<{ socket: WireClient; change: () => Promise<unknown> }>;
  readonly closed: { code: number; reason: string };
};

const UNAUTHENTICATED = { code: 4401, reason: "unauthenticated" };
const NOT_FOUND = { code: 4404, reason: "document_not_found" };
const RESTARTING = { code: 1012, reason: "restarting" };

const collaborator = async (
  name: string,
  role: Role,
  change: (who: Somebody) => Promise<unknown>,
) => {
  const who = await signedIn(rest.sql, tenant, { collaborator: role });
  return { socket: await open(name, who.token), change: () => change(who) };
};

const place = (userId: string) => ({ params: { projectId: tenant.projectId, userId } });
const seat = (userId: string) => ({ params: { organizationId: tenant.organizationId, userId } });

const cases: Record<string, Case> = {
  "who signs out": {
    open: (name) => collaborator(name, "editor", ({ token }) => rest.client(token).signOut()),
    closed: UNAUTHENTICATED,
  },
  "whose session is ended from another": {
    open: (name) =>
      collaborator(name, "editor", async ({ userId, sessionId }) => {
        const expiresAt = new Date(Date.now() + 60_000);
        const { token } = await createSession(rest.sql, { userId, expiresAt }, SCRIPT);
        await rest.client(token).deleteSession({ params: { sessionId } });
      }),
    closed: UNAUTHENTICATED,
  },
  "whose role is lowered": {
    open: (name) =>
      collaborator(name, "editor", ({ userId }) =>
        admin.updateCollaborator({ ...place(userId), body: { role: "viewer" } }),
      ),
    closed: RESTARTING,
  },
  "whose role is raised": {
    open: (name) =>
      collaborator(name, "viewer", ({ userId }) =>
        admin.updateCollaborator({ ...place(userId), body: { role: "editor" } }),
      ),
    closed: RESTARTING,
  },
  "who is no collaborator any more": {
    open: (name) =>
      collaborator(name, "editor", ({ userId }) => admin.removeCollaborator(place(userId))),
    closed: NOT_FOUND,
  },
  "who leaves the project": {
    open: (name) =>
      collaborator(name, "editor", ({ token }) =>
        rest.client(token).leaveProject({ params: { projectId: tenant.projectId } }),
      ),
    closed: NOT_FOUND,
  },
  "who is no member any more": {
    async open(name) {
      const { userId, token } = await signedIn(rest.sql, tenant, { member: "admin" });
      return { socket: await open(name, token), change: () => admin.removeMember(seat(userId)) };
    },
    closed: NOT_FOUND,
  },
  "who becomes an admin": {
    async open(name) {
      const { userId, token } = await signedIn(rest.sql, tenant, { member: "member" });
      const change = () => admin.updateMember({ ...seat(userId), body: { role: "admin" } });
      return { socket: await open(name, token), change };
    },
    closed: RESTARTING,
  },
  "whose key is revoked": {
    async open(name) {
      const { keyId, token } = await keyOf(rest.sql, tenant);
      const change = () => admin.revokeKey({ params: { keyId } });
      return { socket: await open(name, token), change };
    },
    closed: UNAUTHENTICATED,
  },
  "whose key is rotated without a grace": {
    async open(name) {
      const { keyId, token } = await keyOf(rest.sql, tenant);
      const change = () => admin.rotateKey({ params: { keyId }, body: { graceSeconds: 0 } });
      return { socket: await open(name, token), change };
    },
    closed: UNAUTHENTICATED,
  },
  "whose agent is made inactive": {
    open: (name) =>
      agent(name, (agentId) =>
        admin.updateAgent({ params: { agentId }, body: { status: "inactive" } }),
      ),
    closed: UNAUTHENTICATED,
  },
  "whose agent is put on probation": {
    open: (name) =>
      agent(name, (agentId) =>
        admin.updateAgent({ params: { agentId }, body: { status: "probation" } }),
      ),
    closed: RESTARTING,
  },
  "whose agent is deleted": {
    open: (name) => agent(name, (agentId) => admin.deleteAgent({ params: { agentId } })),
    closed: UNAUTHENTICATED,
  },
};

async function agent(name: string, change: (agentId: string) => Promise<unknown>) {
  const agentId = await createAgent(rest.sql, tenant, "active");
  const { token } = await keyOf(rest.sql, tenant, { agentId });
  return { socket: await open(name, token), change: () => change(agentId) };
}

/** An Update frame of somebody else's client id, so that it is new whatever came before. */
const somethingNew = (): Uint8Array => {
  const doc = new Y.Doc();
  doc.getText("diagram").insert(0, "new");
  return Y.encodeStateAsUpdate(doc);
};

describe("[A3 T44] with the answer to the request the socket is closed, of one", () => {
  test.each(Object.entries(cases))("%s", async (_who, { open: begin, closed }) => {
    const { documentId, name } = await tenant.document();
    const address = { documentId, part: "content" } as const;
    const other = await open(name, tenant.token);
    const { socket, change } = await begin(name);
    await change();
    // Closed by then: whatever he sends from now on is not taken in.
    expect([...rest.node.collaboration.rights.open].length).toBe(1);
    const rows = await countRows(rest.sql, address);
    for (let frame = 0; frame < 20; frame += 1) {
      socket.send("update", somethingNew());
      socket.send("step2", somethingNew());
    }
    expect(await socket.untilClosed()).toEqual(closed);
    // Nobody else notices: the next edit is the first after it.
    other.document.getText("diagram").insert(0, "mine");
    await other.answered();
    expect(other.closed).toBeNull();
    expect(await countRows(rest.sql, address)).toBe(rows + 1);
    expect(other.document.getText("diagram").toJSON()).toBe("mine");
  });
});

describe("[A3] what happens to a document happens to everybody on it", () => {
  test("deleted: its text and its discussion are closed with 4404", async () => {
    const { documentId, name } = await tenant.document();
    const text = await open(name, tenant.token);
    const discussion = await open(`comments:${documentId}`, tenant.token);
    await admin.deleteDocument({ params: { documentId } });
    expect(await text.untilClosed()).toEqual(NOT_FOUND);
    expect(await discussion.untilClosed()).toEqual(NOT_FOUND);
  });

  test("moved: whoever has no part in the other project goes, everybody else stays", async () => {
    const { documentId, name } = await tenant.document();
    const guest = await signedIn(rest.sql, tenant, { collaborator: "editor" });
    const [mine, his] = [await open(name, tenant.token), await open(name, guest.token)];
    const [project] = await rest.sql<{ id: string }[]>`
      insert into projects (organization_id, name, slug)
      values (${tenant.organizationId}, 'Other', ${randomUUID()}) returning id`;
    const projectId = project?.id ?? "";
    const { userId, token } = await signedIn(rest.sql, tenant, { collaborator: "viewer" });
    await admin.addCollaborator({ params: { projectId }, body: { userId, role: "viewer" } });
    const ofBoth = await open(name, token);
    await admin.updateDocument({ params: { documentId }, body: { projectId } });
    expect(await his.untilClosed()).toEqual(NOT_FOUND);
    mine.document.getText("diagram").insert(0, "still here");
    await mine.answered();
    expect(mine.closed).toBeNull();
    expect(ofBoth.closed).toBeNull();
    // From now on what is changed in the other project is what counts.
    await admin.removeCollaborator({ params: { projectId, userId } });
    expect(await ofBoth.untilClosed()).toEqual(NOT_FOUND);
  });

  test("its organization deleted: 4404", async () => {
    const doomed = await createTenant(rest.sql);
    const { name } = await doomed.document();
    const socket = await open(name, doomed.token);
    const { organizationId } = doomed;
    const client = rest.client(doomed.token);
    await client.deleteOrganization({ params: { organizationId } });
    expect(await socket.untilClosed()).toEqual(NOT_FOUND);
  });

  test("whoever is sent away is gone from the others' presence", async () => {
    const { name } = await tenant.document();
    const { userId, token } = await signedIn(rest.sql, tenant, { collaborator: "viewer" });
    const url = `${rest.url.replace("http", "ws")}/collaboration`;
    const [stays, goes] = [tenant.token, token].map((each) => {
      const provider = new HocuspocusProvider({
        url,
        name,
        token: each,
        onAuthenticationFailed: () => provider.destroy(),
      });
      provider.awareness?.setLocalStateField("user", { name: each });
      return provider;
    });
    const present = () => stays?.awareness?.getStates().size;
    await until(() => present() === 2);
    await admin.removeCollaborator(place(userId));
    // y-protocols would forget him after 30 s by itself.
    await until(() => present() === 1, { timeoutMs: 5000 });
    stays?.destroy();
    goes?.destroy();
  });

  test("a right that is another's, or is what it was, closes nothing", async () => {
    const { name } = await tenant.document();
    const socket = await open(name, tenant.token);
    const { userId } = await signedIn(rest.sql, tenant, { collaborator: "editor" });
    await admin.updateCollaborator({ ...place(userId), body: { role: "viewer" } });
    await admin.addCollaborator({
      params: { projectId: tenant.projectId },
      body: { userId: tenant.userId, role: "viewer" },
    });
    socket.document.getText("diagram").insert(0, "mine");
    await socket.answered();
    expect(socket.closed).toBeNull();
  });
});
