import { request } from "node:http";
import { expect, test } from "vitest";
import { pino } from "pino";
import { createFairShare } from "../server/rest/fair-share.ts";
import { SCRIPT } from "../persistence/activities.ts";
import { UpkeepThread } from "../persistence/upkeep-tasks.ts";
import { withTimeout } from "../persistence/with-timeout.ts";
import { revokeSessions } from "../persistence/revoke.ts";
import { SECRET_ENVIRONMENT } from "./support/host-application.ts";
import { keyOf, signedIn } from "./support/roles.ts";
import { codeOf, startRest, useRest } from "./support/rest.ts";
import { createTenant } from "./support/tenant.ts";

const { rest, tenant } = await useRest();

/** Sends the head and half of the body, then waits; `finish` sends the rest and answers what the server said. */
function sendSlowly(
  path: string,
  token: string,
  { method, body, type = "application/json" }: { method: string; body: string; type?: string },
) {
  const half = Math.floor(body.length / 2);
  const sent = request(`${rest.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": type,
      "if-match": "*",
    },
  });
  const answered = new Promise<{ status: number; text: string }>((resolve, reject) => {
    sent.on("error", reject);
    sent.on("response", (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
  });
  sent.flushHeaders();
  sent.write(body.slice(0, half));
  return {
    finish: () => {
      sent.end(body.slice(half));
      return answered;
    },
  };
}

test("[A1] a right that ends while the body arrives has ended: of an admin who is removed, and of a key", async () => {
  const { userId, token } = await signedIn(rest.sql, tenant, { member: "admin" });
  const { body: me } = await rest.client(token).getMe();
  const members = `/api/v1/organizations/${tenant.organizationId}/members`;
  const body = JSON.stringify({ email: me.user.email, role: "admin" });
  const joining = sendSlowly(members, token, { method: "POST", body });
  const { documentId } = await tenant.document();
  const { keyId, token: key } = await keyOf(rest.sql, tenant);
  const content = { type: "doc", content: [{ type: "paragraph" }] };
  const path = `/api/v1/documents/${documentId}/content`;
  const writing = sendSlowly(path, key, { method: "PUT", body: JSON.stringify({ content }) });
  const emptying = sendSlowly(path, key, { method: "PUT", body: "", type: "text/markdown" });
  const admin = rest.client(tenant.token);
  await admin.removeMember({ params: { organizationId: tenant.organizationId, userId } });
  await admin.revokeKey({ params: { keyId } });
  expect((await joining.finish()).status).toBe(404);
  expect((await writing.finish()).status).toBe(401);
  expect((await emptying.finish()).status).toBe(401);
  const left = await rest.sql`
    select 1 from organization_members
    where organization_id = ${tenant.organizationId} and user_id = ${userId}`;
  expect(left).toHaveLength(0);
  const written = await rest.sql`select 1 from yjs_updates where document_id = ${documentId}`;
  expect(written).toHaveLength(0);
  await revokeSessions(rest.sql, userId, { by: SCRIPT });
});

test("a principal has so much in the works at once and so much in the line; others are not held up", async () => {
  const share = createFairShare({ atOnce: 2, maxWaiting: 1 });
  const gate = Promise.withResolvers<void>();
  const done: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    await gate.promise;
    done.push(name);
  };
  const [mine, theirs] = ["a", "b"].map((userId) => ({
    kind: "user" as const,
    userId,
    sessionId: userId,
  }));
  if (mine === undefined || theirs === undefined) throw new Error("nobody is there");
  const running = ["one", "two", "three"].map((name) => share(mine, work(name)));
  await expect(share(mine, work("four"))).rejects.toMatchObject({ code: "too_many_requests" });
  await share(theirs, async () => void done.push("theirs"));
  expect(done).toEqual(["theirs"]);
  gate.resolve();
  await Promise.all(running);
  expect(done).toEqual(["theirs", "one", "two", "three"]);
  await share(mine, async () => void done.push("again"));
});

test("a task that takes too long is given up, and the next has a thread again", async () => {
  const limits = { taskTimeoutMs: 2000, maxWaiting: 1 };
  const thread = new UpkeepThread({
    location: rest.location,
    logger: pino({ level: "silent" }),
    limits,
  });
  const { documentId } = await tenant.document();
  const edit = (text: string) =>
    thread.edit({ documentId, isNew: false, content: { form: "markdown", text }, diagram: null });
  await edit("warm");
  const blocked = rest.sql.begin(async (tx) => {
    // The worker reads the head row of a document: nobody gets it while this lock stands.
    await tx`lock table yjs_documents in access exclusive mode`;
    const [slow, waiting, refused] = await Promise.allSettled([edit("a"), edit("b"), edit("c")]);
    return [slow, waiting, refused].map((result) =>
      result.status === "rejected" ? (result.reason as { code: string }).code : "done",
    );
  });
  expect(await blocked).toEqual(["too_large", "too_large", "too_many_requests"]);
  expect((await edit("again")).update).not.toBeNull();
  await thread.close();
});

test("a database that does not answer is a database that is away", async () => {
  const hanging = Promise.withResolvers<string>();
  const late = withTimeout(hanging.promise, 20);
  await expect(late).rejects.toMatchObject({ code: "storage_unavailable" });
  // Whatever becomes of it now is nobody's unhandled rejection.
  hanging.reject(new Error("too late"));
  await expect(withTimeout(Promise.resolve("at once"), 10_000)).resolves.toBe("at once");
  await expect(withTimeout(Promise.reject(new Error("its own")), 10_000)).rejects.toThrow(
    "its own",
  );
});

test("whoever waited in vain for a lock is told to come back, and comes back", async () => {
  const { documentId } = await tenant.document();
  const client = rest.client(tenant.token);
  const rename = (title: string) =>
    codeOf(client.updateDocument({ params: { documentId }, body: { title } }));
  const held = await rest.sql.begin(async (tx) => {
    await tx`select 1 from documents where id = ${documentId} for update`;
    return rename("in vain");
  });
  expect(held).toBe("storage_unavailable");
  expect(await rename("at last")).toBeNull();
});

test("a body that carries no content is small", async () => {
  const scopes = Array.from({ length: 200_000 }, () => 1);
  const answer = await rest.fetch(`/api/v1/projects/${tenant.projectId}/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${tenant.token}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "n", role: "viewer", scopes }),
  });
  expect(answer.status).toBe(413);
});

test("where JWTs name organizations by their slugs, slugs are not anybody's to take", async () => {
  const closed = await startRest(SECRET_ENVIRONMENT);
  const there = await createTenant(closed.sql);
  const client = closed.client(there.token);
  const body = { name: "Acme", slug: "acme" };
  expect(await codeOf(client.createOrganization({ body }))).toBe("forbidden");
  const params = { organizationId: there.organizationId };
  expect(await codeOf(client.updateOrganization({ params, body: { slug: "acme" } }))).toBe(
    "forbidden",
  );
  expect(await codeOf(client.updateOrganization({ params, body: { name: "Acme" } }))).toBeNull();
  await closed.close();
  const open = await startRest({ ...SECRET_ENVIRONMENT, NEW_ORGANIZATIONS: "true" });
  const { token } = await createTenant(open.sql);
  expect(await codeOf(open.client(token).createOrganization({ body }))).toBeNull();
  await open.close();
});
