import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import * as Y from "yjs";
import type { ApiClient } from "../client/api.ts";
import { ApiError } from "../client/api.ts";
import { loadDocument } from "../persistence/load-document.ts";
import { verifyDocument } from "../persistence/verify.ts";
import { readDiscussion } from "../schema/discussion.ts";
import { codeOf, useRest } from "./support/rest.ts";
import { createAgent, keyOf, signedIn } from "./support/roles.ts";

const { rest, tenant } = await useRest();
const owner = rest.client(tenant.token);
const reviewer = await signedIn(rest.sql, tenant, { collaborator: "reviewer" });
const other = await signedIn(rest.sql, tenant, { collaborator: "editor" });
const byReviewer = rest.client(reviewer.token);
const byOther = rest.client(other.token);

const TEXT = "The quick fox.\n\nA fox jumps over the lazy dog.";

async function newDocument(): Promise<{ documentId: string }> {
  const { body } = await owner.createDocument({
    params: { projectId: tenant.projectId },
    body: { title: "Animals", type: "feature_requirements", markdown: TEXT },
  });
  return { documentId: body.id };
}

const begin = async (client: ApiClient, params: { documentId: string }, markdown = "Why?") =>
  (await client.createThread({ params, body: { markdown } })).body;

async function discussionOf(documentId: string) {
  const doc = new Y.Doc();
  await loadDocument(rest.sql, { documentId, part: "comments" }, doc);
  return readDiscussion(doc);
}

/** Rows and Yjs agree, and nothing else is wrong. */
const problemsOf = async (documentId: string) =>
  (await verifyDocument(rest.sql, documentId)).problems;

const noticesOf = async (documentId: string, userId: string) =>
  (
    await rest.sql<{ type: string; title: string; body: string; comment: string }[]>`
      select type, title, body, metadata ->> 'commentId' as comment from notifications
      where user_id = ${userId} and metadata ->> 'documentId' = ${documentId} order by position`
  ).map((row) => ({ ...row }));

test("a thread lives: begun on a quote, answered, edited, reacted to, resolved, opened again, and rows say what Yjs says", async () => {
  const params = await newDocument();
  const { body: thread } = await byReviewer.createThread({
    params,
    body: { markdown: "Is it **lazy**?\n\n```\ncode\n```", anchor: { quote: "lazy dog" } },
  });
  expect(thread.anchor).toMatchObject({ quote: "lazy dog", after: "." });
  expect(thread.comments[0]?.author).toEqual({
    userId: reviewer.userId,
    agentId: null,
    name: "Somebody",
  });
  const inThread = { ...params, threadId: thread.id };
  const { body: reply } = await owner.createReply({
    params: inThread,
    body: { markdown: "It sleeps" },
  });
  expect(reply.threadId).toBe(thread.id);
  const ofReply = { ...params, commentId: reply.id };
  const { body: edited } = await owner.updateComment(
    { params: ofReply, body: { markdown: "It *rests*" } },
    { ifMatch: reply.etag },
  );
  expect(edited.editedAt).not.toBeNull();
  expect(
    await codeOf(
      owner.updateComment({ params: ofReply, body: { markdown: "late" } }, { ifMatch: reply.etag }),
    ),
  ).toBe("precondition_failed");
  await byReviewer.addReaction({ params: { ...ofReply, emoji: "👍" } });
  await byReviewer.addReaction({ params: { ...ofReply, emoji: "👍" } });
  await owner.addReaction({ params: { ...ofReply, emoji: "❤️" } });
  await owner.addReaction({ params: { ...ofReply, emoji: "🎉" } });
  await owner.removeReaction({ params: { ...ofReply, emoji: "🎉" } });
  const { body: resolved } = await owner.resolveThread({ params: inThread });
  expect(resolved.resolved?.by).toEqual({ userId: tenant.userId, agentId: null });
  const [, second] = resolved.comments;
  expect(second?.reactions).toEqual({
    "❤️": [`user:${tenant.userId}`],
    "👍": [`user:${reviewer.userId}`],
  });
  expect((await owner.reopenThread({ params: inThread })).body.resolved).toBeNull();
  const [live] = await discussionOf(params.documentId);
  const shown = (await owner.getThread({ params: inThread })).body;
  expect(shown.comments.map(({ id, content, reactions }) => ({ id, content, reactions }))).toEqual(
    live?.comments.map(({ id, content, reactions }) => ({ id, content, reactions })),
  );
  expect(await problemsOf(params.documentId)).toEqual([]);
});

test("only one's own comment is edited and deleted, and any by who may manage the project", async () => {
  const params = await newDocument();
  const thread = await begin(byReviewer, params);
  const commentId = thread.id;
  const body = { markdown: "other words" };
  expect(await codeOf(byOther.updateComment({ params: { ...params, commentId }, body }))).toBe(
    "forbidden",
  );
  expect(await codeOf(byOther.deleteComment({ params: { ...params, commentId } }))).toBe(
    "forbidden",
  );
  const { body: reply } = await byOther.createReply({
    params: { ...params, threadId: thread.id },
    body: { markdown: "mine" },
  });
  await owner.deleteComment({ params: { ...params, commentId } });
  const { body: left } = await owner.getThread({ params: { ...params, threadId: thread.id } });
  expect(left.comments.map(({ deletedAt }) => deletedAt !== null)).toEqual([true, false]);
  expect(left.comments[0]?.content).toEqual({ type: "doc", content: [{ type: "paragraph" }] });
  expect(await codeOf(owner.updateComment({ params: { ...params, commentId }, body }))).toBe(
    "not_found",
  );
  await byOther.deleteComment({ params: { ...params, commentId: reply.id } });
  expect(await codeOf(owner.getThread({ params: { ...params, threadId: thread.id } }))).toBe(
    "not_found",
  );
  expect((await owner.listThreads({ params })).body.threads).toEqual([]);
  expect(await problemsOf(params.documentId)).toEqual([]);
});

test("an agent that quotes what stands there twice is told where, and chooses", async () => {
  const params = await newDocument();
  const agentId = await createAgent(rest.sql, tenant, "active");
  const key = { agentId, scopes: ["docs:read", "comments:write"] } as const;
  const { token } = await keyOf(rest.sql, tenant, key);
  const agent = rest.client(token);
  const ask = (anchor: { quote: string; sectionId?: string; before?: string; after?: string }) =>
    agent.createThread({ params, body: { markdown: "Which?", anchor } });
  const error = await ask({ quote: "fox" }).then(
    () => null,
    (cause: unknown) => (cause instanceof ApiError ? cause.problem : null),
  );
  expect([error?.code, error?.status]).toEqual(["anchor_ambiguous", 409]);
  expect(error?.candidates?.map(({ before, quote, after }) => [before, quote, after])).toEqual([
    ["The quick ", "fox", "."],
    ["A ", "fox", " jumps over the lazy dog."],
  ]);
  const [, second] = error?.candidates ?? [];
  if (second === undefined || second.sectionId === null) throw new Error("no candidate");
  const { sectionId, before, quote, after } = second;
  const { body } = await ask({ sectionId, before, quote, after });
  expect(body.anchor?.blockId).toBe(sectionId);
  expect(body.comments[0]?.author.agentId).toBe(agentId);
  expect(await codeOf(ask({ quote: "no such words" }))).toBe("anchor_not_found");
  const [row] = await rest.sql`select is_agent, created_by from comments where id = ${body.id}`;
  expect(row).toMatchObject({ is_agent: true, created_by: tenant.userId });
});

test("what a comment may hold: no headings, no pictures, no strangers, and not nothing", async () => {
  const params = await newDocument();
  const say = (markdown: string) => codeOf(owner.createThread({ params, body: { markdown } }));
  expect(await say("# Loud")).toBe("bad_content");
  expect(await say("- a list")).toBe("bad_content");
  expect(await say("  ")).toBe("bad_content");
  expect(await say("x".repeat(20_001))).toBe("bad_request");
  expect(await say(`[@who](mention:user/${randomUUID()})`)).toBe("unknown_target");
  expect(await say(`[@what](mention:work_order/${randomUUID()})`)).toBe("unknown_target");
  expect(
    await say(`[@what](mention:document/${params.documentId}) [there](https://a.example)`),
  ).toBe(null);
  const both = { markdown: "a", content: { type: "doc" } };
  expect(await codeOf(owner.createThread({ params, body: both }))).toBe("bad_request");
  const commentId = (await begin(owner, params)).id;
  for (const emoji of ["no emoji", "👍👍", "__proto__"]) {
    const call = owner.addReaction({ params: { ...params, commentId, emoji } });
    expect(await codeOf(call)).toBe("bad_request");
  }
});

test("who takes part in a thread hears of replies and of its end, once, and who is mentioned of that", async () => {
  const params = await newDocument();
  const thread = await begin(byReviewer, params, "First");
  const inThread = { ...params, threadId: thread.id };
  const { body: reply } = await byOther.createReply({
    params: inThread,
    body: { markdown: `Second, [@owner](mention:user/${tenant.userId})` },
  });
  const { body: third } = await byReviewer.createReply({
    params: inThread,
    body: { markdown: `Third, [@other](mention:user/${other.userId})` },
  });
  await owner.resolveThread({ params: inThread });
  await owner.resolveThread({ params: inThread });
  const title = (what: string) => `${what} in “Animals”`;
  expect(await noticesOf(params.documentId, reviewer.userId)).toEqual([
    { type: "comment_reply", title: title("A reply"), body: "Second, @owner", comment: reply.id },
    { type: "thread_resolved", title: title("Resolved"), body: "First", comment: thread.id },
  ]);
  expect(
    (await noticesOf(params.documentId, other.userId)).map(({ type, comment }) => [type, comment]),
  ).toEqual([
    ["mention", third.id],
    ["thread_resolved", thread.id],
  ]);
  expect((await noticesOf(params.documentId, tenant.userId)).map(({ type }) => type)).toEqual([
    "mention",
  ]);
  const told = await rest.sql<{ action: string; metadata: { commentId: string; seq: number } }[]>`
    select action, metadata from activities where entity_id = ${params.documentId} order by position`;
  expect(
    told
      .filter(({ action }) => action !== "created")
      .map(({ action, metadata }) => [action, metadata.commentId, metadata.seq]),
  ).toEqual([
    ["comment_added", thread.id, 1],
    ["comment_added", reply.id, 2],
    ["comment_added", third.id, 3],
    ["resolved", thread.id, 4],
  ]);
});

test("who wants no mentions hears of a reply that mentions him as of any other", async () => {
  const params = await newDocument();
  const threadId = (await begin(byOther, params)).id;
  await byOther.putInboxSettings({ body: { mention: false } });
  const markdown = `Look, [@other](mention:user/${other.userId})`;
  await owner.createReply({ params: { ...params, threadId }, body: { markdown } });
  await byOther.putInboxSettings({ body: {} });
  const kinds = (await noticesOf(params.documentId, other.userId)).map(({ type }) => type);
  expect(kinds).toEqual(["comment_reply"]);
});

test("threads are listed page by page, by what they are", async () => {
  const params = await newDocument();
  const ids: string[] = [];
  for (let number = 0; number < 5; number += 1) ids.push((await begin(owner, params)).id);
  const [first = "", second = ""] = ids;
  await owner.resolveThread({ params: { ...params, threadId: second } });
  await rest.sql`update comments set detached = true where id = ${first}`;
  const list = async (query: object): Promise<string[]> =>
    (await owner.listThreads({ params, query })).body.threads.map(({ id }) => id);
  expect(await list({})).toEqual(ids);
  expect(await list({ status: "resolved" })).toEqual([second]);
  expect(await list({ status: "open" })).toEqual(ids.filter((id) => id !== second));
  expect(await list({ detached: "true" })).toEqual([first]);
  expect(await list({ detached: "false", status: "open" })).toEqual(ids.slice(2));
  const paged: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: 2, ...(cursor !== undefined && { cursor }) };
    const { body } = await owner.listThreads({ params, query });
    paged.push(...body.threads.map(({ id }) => id));
    cursor = body.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(paged).toEqual(ids);
});

test("twenty at once on one comment: the last word in Yjs is the last word in the rows", async () => {
  const params = await newDocument();
  const thread = await begin(owner, params);
  const inThread = { ...params, threadId: thread.id };
  const ofComment = { ...params, commentId: thread.id };
  await Promise.all(
    Array.from({ length: 20 }, async (_, number) => {
      if (number % 4 === 0) await owner.resolveThread({ params: inThread });
      else if (number % 4 === 1) await byReviewer.reopenThread({ params: inThread });
      else if (number % 4 === 2) {
        await owner.updateComment({ params: ofComment, body: { markdown: `words ${number}` } });
      } else await byOther.createReply({ params: inThread, body: { markdown: `${number}` } });
    }),
  );
  expect(await problemsOf(params.documentId)).toEqual([]);
  const times = (await owner.getThread({ params: inThread })).body.comments.map(
    ({ createdAt }) => createdAt,
  );
  expect(new Set(times).size).toBe(times.length);
});

test("a discussion moves to another project with its document", async () => {
  const params = await newDocument();
  const { body: made } = await owner.createProject({
    params: { organizationId: tenant.organizationId },
    body: { name: "Other", slug: randomUUID() },
  });
  await begin(owner, params, `[@me](mention:user/${tenant.userId})`);
  await owner.updateDocument({ params, body: { projectId: made.id } });
  const rows = await rest.sql`
    select project_id from comments where parent_id = ${params.documentId}
    union all
    select m.project_id from mentions m join comments c on c.id = m.source_id
    where c.parent_id = ${params.documentId}`;
  expect(rows.map((row) => row["project_id"] as string)).toEqual([made.id, made.id]);
  expect(await problemsOf(params.documentId)).toEqual([]);
});
