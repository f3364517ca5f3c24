import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { createApiClient, openInbox, type InboxEvent } from "../client/index.ts";
import { createUser, setMember } from "../persistence/accounts.ts";
import { SCRIPT } from "../persistence/activities.ts";
import { checkTargets, replaceMentions } from "../persistence/mentions.ts";
import { notify, type Notice } from "../persistence/notify.ts";
import type { Recipient } from "../schema/inbox-key.ts";
import { mentionsIn, type Mention } from "../schema/mentions.ts";
import { startTestNode } from "./support/node.ts";
import { codeOf, useRest } from "./support/rest.ts";
import { createTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

const { rest, tenant } = await useRest();
const { sql } = rest;
const foreign = await createTenant(sql);
const { documentId } = await tenant.document({ title: "Plan" });

const nobody = () => null;

function noticeFor(recipient: Recipient, fields: Partial<Notice> = {}): Notice {
  return {
    recipient,
    projectId: tenant.projectId,
    type: "mention",
    title: "A test",
    body: null,
    entityType: "document",
    entityId: documentId,
    metadata: { documentId },
    onceKey: randomUUID(),
    ...fields,
  };
}

const tell = (...notices: Notice[]) => sql.begin((tx) => notify(tx, notices));

/** Somebody new in the organization, with a session. */
async function person(): Promise<{ userId: string; token: string }> {
  const other = await createTenant(sql);
  const { organizationId } = tenant;
  await setMember(sql, { organizationId, userId: other.userId, role: "member" }, SCRIPT);
  return other;
}

async function agent() {
  const admin = rest.client(tenant.token);
  const code = `a-${randomUUID()}`;
  const { body } = await admin.createProjectAgent({
    params: { projectId: tenant.projectId },
    body: { agentCode: code, name: code, roleTitle: "Writer" },
  });
  const { body: key } = await admin.createProjectKey({
    params: { projectId: tenant.projectId },
    body: { name: "K", role: "reviewer", scopes: ["docs:read"], agentId: body.id },
  });
  return { agentId: body.id, keyId: key.id, token: key.token ?? "" };
}

const mention = (targetType: string, targetId: string, occurrence = 1): Mention => ({
  targetType,
  targetId,
  occurrence,
});

const replace = (mentions: readonly Mention[], userId: string | null = null) =>
  sql.begin((tx) =>
    replaceMentions(tx, {
      sourceType: "document",
      sourceId: documentId,
      projectId: tenant.projectId,
      documentId,
      mentions,
      authorOf: userId === null ? nobody : () => ({ userId, agentId: null }),
    }),
  );

const positions = (token: string) =>
  rest
    .client(token)
    .listNotifications()
    .then(({ body }) => body.notifications.map(({ position }) => position));

test("mentions are counted per target, in the order of the text, also a hundred thousand deep", () => {
  const node = (targetId: string) => ({ type: "mention", attrs: { targetType: "user", targetId } });
  let content: object = { type: "paragraph", content: [node("a"), node("b"), node("a")] };
  for (let depth = 0; depth < 100_000; depth += 1) {
    content = { type: "blockquote", content: [content] };
  }
  expect(mentionsIn({ type: "doc", content: [content] })).toEqual([
    mention("user", "a"),
    mention("user", "b"),
    mention("user", "a", 2),
  ]);
});

test("[P1] a mention is a row while it is there, and notifies once, ever", async () => {
  const { userId, token } = await person();
  const mentions = [mention("user", userId), mention("document", documentId)];
  expect(await replace(mentions)).toEqual([`user:${userId}`]);
  expect(await replace([])).toEqual([]);
  const rows = () => sql`select 1 from mentions where source_id = ${documentId}`;
  expect(await rows()).toHaveLength(0);
  expect(await replace(mentions)).toEqual([]);
  await Promise.all(Array.from({ length: 10 }, () => replace(mentions)));
  expect(await rows()).toHaveLength(2);
  const { body } = await rest.client(token).listNotifications();
  expect(body.notifications).toMatchObject([
    { kind: "mention", priority: "high", position: 1, title: "You were mentioned in “Plan”" },
  ]);
  expect(body.notifications[0]).toMatchObject({ documentId, expiresAt: null, readAt: null });
});

test("nobody is told of what he wrote himself", async () => {
  const { userId } = await person();
  expect(await replace([mention("user", userId)], userId)).toEqual([]);
});

test("[A1] what is another tenant's is no target, just as what does not exist", async () => {
  const { documentId: theirs } = await foreign.document();
  const targets = [
    mention("user", foreign.userId),
    mention("document", theirs),
    mention("agent", randomUUID()),
    mention("artifact", randomUUID()),
    mention("user", "nobody"),
  ];
  expect(await replace(targets)).toEqual([]);
  expect(await sql`select 1 from mentions where source_id = ${documentId}`).toHaveLength(0);
  for (const target of targets) {
    await expect(checkTargets(sql, tenant.projectId, [target])).rejects.toMatchObject({
      code: "unknown_target",
    });
  }
  await checkTargets(sql, tenant.projectId, [mention("user", tenant.userId)]);
});

test("who may not read the project is not told, nor who does not want that kind", async () => {
  const { userId, token } = await person();
  const stranger = await createUser(sql, { email: `${randomUUID()}@example.com`, name: "S" });
  expect(await tell(noticeFor({ userId: stranger }))).toEqual([]);
  const settings = { mention: false, comment_reply: true, thread_resolved: true, suggestion: true };
  const client = rest.client(token);
  expect((await client.putInboxSettings({ body: { mention: false } })).body).toEqual(settings);
  expect((await client.getInboxSettings()).body).toEqual(settings);
  const unwanted = noticeFor({ userId });
  const wanted = noticeFor({ userId }, { type: "comment_reply" });
  expect(await tell(unwanted, wanted)).toEqual([`user:${userId}`]);
  expect(await positions(token)).toEqual([1]);
});

test("[A1] nobody sees or marks another's, nor what is told of a project that he left", async () => {
  const one = await person();
  const other = await person();
  await tell(noticeFor({ userId: one.userId }));
  const client = rest.client(one.token);
  const { body } = await client.listNotifications();
  const params = { notificationId: body.notifications[0]?.id ?? "" };
  expect(await codeOf(rest.client(other.token).readNotification({ params }))).toBe("not_found");
  const { organizationId } = tenant;
  await sql`
    delete from organization_members where organization_id = ${organizationId} and user_id = ${one.userId}`;
  expect(await positions(one.token)).toEqual([]);
  expect((await client.countUnread()).body).toEqual({ unread: 0, position: 1 });
  expect(await codeOf(client.readNotification({ params }))).toBe("not_found");
});

test("an inbox is listed by pages and kinds, marked up to a position, and forgets what has expired", async () => {
  const { userId, token } = await person();
  const client = rest.client(token);
  await tell(noticeFor({ userId }, { expiresAt: new Date(Date.now() - 1000) }));
  for (let told = 0; told < 4; told += 1) await tell(noticeFor({ userId }));
  await tell(noticeFor({ userId }, { type: "thread_resolved" }));
  expect(await positions(token)).toEqual([6, 5, 4, 3, 2]);
  const first = await client.listNotifications({ query: { limit: 2, kind: "mention" } });
  expect(first.body.notifications.map(({ position }) => position)).toEqual([5, 4]);
  const cursor = first.body.nextCursor ?? "";
  const second = await client.listNotifications({ query: { limit: 2, kind: "mention", cursor } });
  expect(second.body.notifications.map(({ position }) => position)).toEqual([3, 2]);
  const resolved = await client.listNotifications({ query: { kind: "thread_resolved" } });
  expect(resolved.body.notifications[0]).toMatchObject({ priority: "low" });
  const inDays = Date.parse(resolved.body.notifications[0]?.expiresAt ?? "") - Date.now();
  expect(Math.round(inDays / 86_400_000)).toBe(90);
  expect((await client.readAllNotifications({ body: { position: 4 } })).body).toEqual({
    unread: 2,
    position: 6,
  });
  const unread = await client.listNotifications({ query: { unread: "true" } });
  expect(unread.body.notifications.map(({ position }) => position)).toEqual([6, 5]);
});

test("an agent's key reads the inbox of the agent, and its person does not", async () => {
  const { agentId, token } = await agent();
  expect(await tell(noticeFor({ agentId }))).toEqual([`agent:${agentId}`]);
  expect(await positions(token)).toEqual([1]);
  expect(await positions(tenant.token)).toEqual([]);
});

test("of 50 who notify at once, in whatever order, each is heard once and in order by one who comes and goes", async () => {
  const people = await Promise.all(Array.from({ length: 4 }, person));
  const [listener] = people;
  const heard: InboxEvent[] = [];
  const api = rest.client(listener?.token ?? "");
  let lastEventId: string | null = "0";
  const comeAndGo = async (): Promise<void> => {
    while (heard.length < 50) {
      const ended = new AbortController();
      const { events } = await api.streamInbox({}, { lastEventId, signal: ended.signal });
      for await (const event of events) {
        lastEventId = event.id;
        if (event.event === "notification") heard.push(event);
        if (heard.length % 7 === 0 || heard.length === 50) break;
      }
      ended.abort();
    }
  };
  const hearing = comeAndGo();
  await Promise.all(
    Array.from({ length: 50 }, (_, index) => {
      const turned = [...people.slice(index % 4), ...people.slice(0, index % 4)];
      return tell(...turned.map(({ userId }) => noticeFor({ userId })));
    }),
  );
  await hearing;
  const inOrder = Array.from({ length: 50 }, (_, index) => String(index + 1));
  expect(heard.map(({ id }) => id)).toEqual(inOrder);
  for (const { token } of people) {
    expect((await rest.client(token).countUnread()).body).toEqual({ unread: 50, position: 50 });
  }
});

test("a stream tells of what comes and of what is read, and the client goes on across a restart", async () => {
  const { userId, token } = await person();
  const node = await startTestNode(rest);
  const { port } = node;

  const api = createApiClient({ url: `http://127.0.0.1:${port}`, token: () => token });
  const heard: InboxEvent[] = [];
  const inbox = openInbox({ api, onEvent: (event) => heard.push(event) });
  const unread = () =>
    heard.flatMap(({ event, body }) => (event === "unread" ? [body.unread] : []));
  const told = () => heard.flatMap(({ event, id }) => (event === "notification" ? [id] : []));
  await until(() => unread().length === 1);
  // Put in past this process: no bell rings.
  await tell(noticeFor({ userId }));
  await until(() => told().length === 1);
  await api.readAllNotifications({ body: { position: 1 } });
  await until(() => unread().at(-1) === 0);
  await node.close();
  await tell(noticeFor({ userId }));
  const again = await startTestNode(rest, { PORT: String(port) });
  await until(() => told().length === 2);
  expect(told()).toEqual(["1", "2"]);
  expect(unread()).toEqual([0, 1, 0, 1]);
  expect(inbox.lastEventId).toBe("2");
  await inbox.close();
  await again.close();
});

test("[A3] the stream of a key that was revoked ends within about a second, and the client stops", async () => {
  const { keyId, token } = await agent();
  const codes: string[] = [];
  let isOpen = false;
  const inbox = openInbox({
    api: rest.client(token),
    onEvent: () => {
      isOpen = true;
    },
    onRefused: ({ problem }) => codes.push(problem.code),
  });
  await until(() => isOpen);
  await rest.client(tenant.token).revokeKey({ params: { keyId } });
  const revokedAtMs = performance.now();
  await until(() => codes.length === 1);
  expect(codes).toEqual(["unauthenticated"]);
  // A second for the watch, half a one until the client is back.
  expect(performance.now() - revokedAtMs).toBeLessThan(2500);
  await inbox.close();
});

test("streams are limited per principal; an id that is none is refused, and so is a token in the address", async () => {
  const { token } = await person();
  const client = rest.client(token);
  const ended = new AbortController();
  const { signal } = ended;
  for (let open = 0; open < 20; open += 1) await client.streamInbox({}, { signal });
  expect(await codeOf(client.streamInbox({}, { signal }))).toBe("too_many_requests");
  ended.abort();
  await until(
    async () => (await codeOf(client.streamInbox({}, { lastEventId: "x" }))) === "bad_request",
  );
  const response = await rest.fetch(`/api/v1/inbox/stream?token=${token}`);
  expect(response.status).toBe(401);
  const head = await rest.fetch("/api/v1/inbox/stream", {
    method: "HEAD",
    headers: { authorization: `Bearer ${token}` },
  });
  expect(head.headers.get("content-type")).toContain("text/event-stream");
});
