import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { codeOf, useRest } from "./support/rest.ts";
import { signedIn } from "./support/roles.ts";

const { rest, tenant } = await useRest();
const owner = rest.client(tenant.token);
const reviewer = await signedIn(rest.sql, tenant, { collaborator: "reviewer" });
const byReviewer = rest.client(reviewer.token);

async function newDocument(markdown: string): Promise<{ documentId: string }> {
  const { body } = await owner.createDocument({
    params: { projectId: tenant.projectId },
    body: { title: "Animals", type: "feature_requirements", markdown },
  });
  return { documentId: body.id };
}

test("a thread that is begun again with its key is the first one, also when its words are gone or there twice", async () => {
  const params = await newDocument("The quick fox.\n\nA dog.");
  const body = { markdown: "Why?", anchor: { quote: "quick fox" } };
  const begin = async () =>
    (await byReviewer.createThread({ params, body }, { idempotencyKey: "once" })).body;
  const first = await begin();
  for (const text of ["A dog.", "The quick fox.\n\nA quick fox."]) {
    await owner.putContent({ params, body: text }, { ifMatch: "*" });
    expect(await begin()).toEqual(first);
  }
  // Nothing was begun under this key.
  const again = byReviewer.createThread({ params, body }, { idempotencyKey: "other" });
  expect(await codeOf(again)).toBe("anchor_ambiguous");
  const { body: list } = await owner.listThreads({ params });
  expect(list.threads.map(({ id }) => id)).toEqual([first.id]);
});

test("the words of a deleted comment are gone from the inboxes too", async () => {
  const params = await newDocument("A dog.");
  const { body: thread } = await byReviewer.createThread({ params, body: { markdown: "Why?" } });
  const inThread = { ...params, threadId: thread.id };
  const { body: reply } = await owner.createReply({
    params: inThread,
    body: { markdown: "A word that slipped out" },
  });
  const told = async () => {
    const { body } = await byReviewer.listNotifications();
    return body.notifications.map((each) => [each.commentId, each.body]);
  };
  expect(await told()).toEqual([[reply.id, "A word that slipped out"]]);
  await owner.deleteComment({ params: { ...params, commentId: reply.id } });
  expect(await told()).toEqual([[reply.id, null]]);
});

test("a comment that mentions somebody who has left can be given other words, but nobody who is not there new ones", async () => {
  const params = await newDocument("A dog.");
  const gone = await signedIn(rest.sql, tenant, { collaborator: "editor" });
  const mentioning = (text: string, ...people: string[]) => ({
    content: {
      type: "doc",
      content: [
        {
          type: "paragraph",
          content: [
            { type: "text", text },
            ...people.map((targetId) => ({
              type: "mention",
              attrs: { targetType: "user", targetId, label: "Somebody" },
            })),
          ],
        },
      ],
    },
  });
  const { body: thread } = await byReviewer.createThread({
    params,
    body: mentioning("Teh dog, says ", gone.userId),
  });
  await owner.removeCollaborator({
    params: { projectId: tenant.projectId, userId: gone.userId },
  });
  const edit = (body: ReturnType<typeof mentioning>) =>
    byReviewer.updateComment({ params: { ...params, commentId: thread.id }, body });
  const { body: edited } = await edit(mentioning("The dog, says ", gone.userId));
  expect(JSON.stringify(edited.content)).toContain("The dog, says ");
  const stranger = randomUUID();
  expect(await codeOf(edit(mentioning("And ", gone.userId, stranger)))).toBe("unknown_target");
  await edit(mentioning("Nobody"));
  expect(await codeOf(edit(mentioning("Again ", gone.userId)))).toBe("unknown_target");
});
