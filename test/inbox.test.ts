import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { createUser } from "../persistence/accounts.ts";
import { checkTargets, replaceMentions } from "../persistence/mentions.ts";
import { mentionsIn, type Mention } from "../schema/mentions.ts";
import { useInbox } from "./support/inbox.ts";
import { codeOf } from "./support/rest.ts";
import { createTenant } from "./support/tenant.ts";

const { rest, tenant, documentId, noticeFor, tell, person, agent } = await useInbox();
const { sql } = rest;
const foreign = await createTenant(sql);

const nobody = () => null;

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
