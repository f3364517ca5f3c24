import { expect, test } from "vitest";
import { codeOf } from "./support/rest.ts";
import { signedIn } from "./support/roles.ts";
import { callOnSocket } from "./support/socket-call.ts";
import { type, useSuggestions } from "./support/suggestion-world.ts";
import { until } from "./support/until.ts";

const { rest, tenant, owner, agent, agentId, ...world } = await useSuggestions();

test("what cannot be suggested is refused with what to do", async () => {
  const params = await world.newDocument("Words.");
  const refused = (body: object) => codeOf(agent.createSuggestion({ params, body }));
  expect(await refused({ content: "Words." })).toBe("bad_request");
  expect(await refused({ content: { type: "doc", content: [{ type: "script" }] } })).toBe(
    "bad_content",
  );
  expect(await refused({ diffs: [{ sectionId: "nowhere", newContent: "x" }] })).toBe(
    "section_not_found",
  );
  expect(await refused({ content: "x", baseSeq: 999 })).toBe("bad_request");
  expect(await refused({})).toBe("bad_request");
  const { body: made } = await agent.createSuggestion({ params, body: { content: "Other." } });
  const of = { ...params, suggestionId: made.id };
  // Agents propose, people decide.
  expect(await codeOf(agent.acceptSuggestion({ params: of, body: {} }))).toBe("forbidden");
  const viewer = rest.client((await signedIn(rest.sql, tenant, { collaborator: "viewer" })).token);
  expect(await codeOf(viewer.createSuggestion({ params, body: { content: "x" } }))).toBe(
    "forbidden",
  );
  const reviewer = rest.client(
    (await signedIn(rest.sql, tenant, { collaborator: "reviewer" })).token,
  );
  expect(await codeOf(reviewer.acceptSuggestion({ params: of, body: {} }))).toBe("forbidden");
  expect(
    (await reviewer.createSuggestion({ params, body: { content: "Mine." } })).body.agentType,
  ).toBe("person");
});

test("a base that was merged meanwhile is too old, one that was not is rebased", async () => {
  const params = await world.newDocument("The quick cat sat.");
  const { seq } = (await agent.getOutline({ params })).body;
  const provider = await world.open(params.documentId);
  await type(provider, (text) => text.insert(0, "Look: "));
  const body = { content: "The quick dog sat.", baseSeq: seq };
  const { body: made } = await agent.createSuggestion({ params, body });
  expect(made.hunks.map(({ state, after }) => [state, after.text])).toEqual([["rebased", "dog"]]);
  await owner.acceptSuggestion({ params: { ...params, suggestionId: made.id }, body: {} });
  expect(await world.markdownOf(params)).toBe("Look: The quick dog sat.\n");
});

test("[S6] who decided and why is told to the agent, and counts for its trust", async () => {
  const params = await world.newDocument("One two three.");
  const headers = { idempotencyKey: "same" };
  const body = { content: "Uno due three.", promptedBy: tenant.userId };
  const { body: made } = await agent.createSuggestion({ params, body }, headers);
  expect((await agent.createSuggestion({ params, body }, headers)).body.id).toBe(made.id);
  const of = { ...params, suggestionId: made.id };
  const [one, two] = made.hunks.map(({ id }) => id);
  const before = (await agent.listOutcomes({ params: { agentId } })).body;
  await owner.acceptSuggestion({ params: of, body: { hunkIds: [one ?? ""] } });
  await owner.rejectSuggestion({
    params: of,
    body: { hunkIds: [two ?? ""], reason: "no Italian" },
  });
  const { body: after } = await agent.listOutcomes({ params: { agentId }, query: { limit: 2 } });
  expect([after.accepted - before.accepted, after.rejected - before.rejected]).toEqual([1, 1]);
  const decided = after.accepted + after.rejected + after.takenBack;
  expect(after.trustScore).toBeCloseTo((100 * (after.accepted + 5)) / (decided + 10), 1);
  expect(after.outcomes).toMatchObject([
    {
      hunkId: two,
      before: "two",
      after: "due",
      decision: "rejected",
      state: "rebased",
      reason: "no Italian",
    },
    { hunkId: one, before: "One", after: "Uno", decision: "accepted", state: "clean" },
  ]);
  const { notifications } = (await agent.listNotifications({ query: { kind: "suggestion" } })).body;
  expect(notifications.slice(0, 2).map(({ title }) => title)).toEqual([
    "Rejected: one change in “Animals”",
    "Accepted: one change in “Animals”",
  ]);
  const mine = (await owner.listNotifications({ query: { kind: "suggestion", limit: 1 } })).body;
  expect(mine.notifications[0]).toMatchObject({ entityId: made.id, by: { agentId } });
  const { activities } = (await owner.listDocumentActivities({ params, query: { limit: 3 } })).body;
  expect(activities.map(({ action }) => action)).toEqual([
    "suggestion_rejected",
    "suggestion_accepted",
    "suggested",
  ]);
});

test("on the socket: the same calls, and suggestion.changed whenever a hunk stands otherwise", async () => {
  const params = await world.newDocument("The quick cat sat.");
  const provider = await world.open(params.documentId);
  const heard: { states: Record<string, string | null> }[] = [];
  provider.on("stateless", ({ payload }: { payload: string }) => {
    const message = JSON.parse(payload) as {
      event?: string;
      states: Record<string, string | null>;
    };
    if (message.event === "suggestion.changed") heard.push(message);
  });
  const body = { content: "The quick dog sat." };
  const made = await callOnSocket(provider, { call: "createSuggestion", body });
  expect(made.status).toBe(201);
  const { hunks } = made.body as { hunks: { id: string }[] };
  const id = hunks[0]?.id ?? "";
  await until(() => heard.some(({ states }) => states[id] === "clean"));
  await type(provider, (text) => text.insert(0, "Look: "));
  await until(() => heard.some(({ states }) => states[id] === "rebased"));
  await type(provider, (text) => text.delete(16, 2));
  await until(() => heard.some(({ states }) => states[id] === "conflict"));
  const suggestionId = String(made.body?.["id"]);
  const call = "rejectSuggestion";
  const rejected = await callOnSocket(provider, { call, params: { suggestionId }, body: {} });
  expect(rejected.status).toBe(200);
  await until(() => heard.some(({ states }) => states[id] === null));
});

test("an agent that says it works is seen by whoever has the text open, with where it works", async () => {
  const params = await world.newDocument("# A\n\nWords.\n\n# B\n\nMore.");
  const provider = await world.open(params.documentId);
  const { sections } = (await agent.getOutline({ params })).body;
  const sectionId = sections[1]?.sectionId ?? null;
  await agent.announcePresence({ params, body: { sectionId } });
  const others = () =>
    [...(provider.awareness?.getStates().values() ?? [])].filter(({ user }) => user !== undefined);
  await until(() => others().length === 1);
  expect(others()[0]).toMatchObject({ user: { isAgent: true, agentId }, cursor: {} });
  const { participants } = (await owner.listPresence({ params })).body;
  expect(participants).toContainEqual(
    expect.objectContaining({ agentId, sectionId, sessions: 0, readOnly: true }),
  );
  expect(await codeOf(owner.announcePresence({ params, body: {} }))).toBe("forbidden");
});
