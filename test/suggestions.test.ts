import { HocuspocusProvider } from "@hocuspocus/provider";
import { afterEach, expect, test } from "vitest";
import type * as Y from "yjs";
import { FRAGMENT } from "../schema/document-schema.ts";
import { documentName } from "../schema/ids.ts";
import { codeOf, useRest } from "./support/rest.ts";
import { createAgent, keyOf, signedIn } from "./support/roles.ts";
import { callOnSocket } from "./support/socket-call.ts";
import { until } from "./support/until.ts";

const { rest, tenant } = await useRest();
const owner = rest.client(tenant.token);
const agentId = await createAgent(rest.sql, tenant, "active");
const { token: key } = await keyOf(rest.sql, tenant, {
  agentId,
  scopes: ["docs:read", "docs:write", "comments:write", "suggestions:write"],
});
const agent = rest.client(key);

const providers: HocuspocusProvider[] = [];
afterEach(() => {
  for (const provider of providers.splice(0)) provider.destroy();
});

async function open(documentId: string, token = tenant.token): Promise<HocuspocusProvider> {
  const url = `${rest.url.replace("http", "ws")}/collaboration`;
  const provider = new HocuspocusProvider({
    url,
    name: documentName(documentId, "content"),
    token,
  });
  providers.push(provider);
  await until(() => provider.isSynced);
  return provider;
}

async function newDocument(markdown: string): Promise<{ documentId: string }> {
  const { body } = await owner.createDocument({
    params: { projectId: tenant.projectId },
    body: { title: "Animals", type: "feature_requirements", markdown },
  });
  return { documentId: body.id };
}

type Of = { documentId: string };

const markdownOf = async (params: Of): Promise<string> =>
  (await owner.getContent({ params, query: { format: "markdown" } })).text;

/** Types in the text as a person does, and waits until it is saved. */
async function type(
  provider: HocuspocusProvider,
  change: (text: Y.XmlText) => void,
): Promise<void> {
  const block = provider.document.getXmlFragment(FRAGMENT).get(0) as Y.XmlElement;
  change(block.get(0) as Y.XmlText);
  await until(() => !provider.hasUnsyncedChanges);
}

const suggest = async (params: Of, content: string) =>
  (await agent.createSuggestion({ params, body: { content } })).body;

test("[S1 S3 S4] words are accepted one by one beside what somebody types, and taken back", async () => {
  const params = await newDocument("The quick brown cat sat on the mat.");
  const {
    id: suggestionId,
    hunks,
    status,
  } = await suggest(params, "The slow brown dog sat on the mat.");
  expect(status).toBe("pending");
  expect(
    hunks.map(({ kind, before, after, state }) => [kind, before.text, after.text, state]),
  ).toEqual([
    ["replace", "quick", "slow", "clean"],
    ["replace", "cat", "dog", "clean"],
  ]);
  expect(await markdownOf(params)).toBe("The quick brown cat sat on the mat.\n");
  const provider = await open(params.documentId);
  await type(provider, (text) => text.insert(15, " little"));
  const of = { ...params, suggestionId };
  const [first, second] = hunks;
  const one = await owner.acceptSuggestion({ params: of, body: { hunkIds: [first?.id ?? ""] } });
  expect(one.body.applied).toEqual([first?.id]);
  expect(one.body.suggestion.status).toBe("partially_accepted");
  await until(() => provider.document.getXmlFragment(FRAGMENT).toJSON().includes("slow"));
  expect(await markdownOf(params)).toBe("The slow brown little cat sat on the mat.\n");
  const { body: rest2 } = await owner.acceptSuggestion({ params: of, body: {} });
  expect(rest2.applied).toEqual([second?.id]);
  expect(rest2.suggestion.status).toBe("accepted");
  expect(await markdownOf(params)).toBe("The slow brown little dog sat on the mat.\n");
  const again = await owner.acceptSuggestion({ params: of, body: {} });
  expect([again.body.applied, again.body.seq]).toEqual([[], null]);
  await owner.takeBackSuggestion({
    params: of,
    body: { hunkIds: [first?.id ?? ""], reason: "no" },
  });
  expect(await markdownOf(params)).toBe("The quick brown little dog sat on the mat.\n");
});

test("[S2 S5 T54] a conflict is shown with both texts, is never applied silently, and is settled by other words", async () => {
  const params = await newDocument("The quick cat sat.\n\nAnother paragraph.");
  const { id: suggestionId, hunks } = await suggest(params, "The quick dog sat.\n\nAnother line.");
  const of = { ...params, suggestionId };
  const provider = await open(params.documentId);
  await type(provider, (text) => {
    text.delete(10, 3);
    text.insert(10, "lion");
  });
  const { body: now } = await owner.getSuggestion({ params: of });
  expect(now.hunks.map(({ state, theirs }) => [state, theirs?.text ?? null])).toEqual([
    ["conflict", "lion"],
    ["clean", null],
  ]);
  const { body: tried } = await agent.tryOutSuggestion({ params: of, body: {} });
  expect(tried.refused).toEqual([hunks[0]?.id]);
  expect(tried.suggestion.status).toBe("pending");
  expect(await markdownOf(params)).toBe("The quick lion sat.\n\nAnother paragraph.\n");
  const { body: done } = await owner.acceptSuggestion({ params: of, body: {} });
  expect(await markdownOf(params)).toBe(tried.markdown);
  expect(await markdownOf(params)).toBe("The quick lion sat.\n\nAnother line.\n");
  expect(done.suggestion.hunks.map(({ decision }) => decision)).toEqual(["pending", "accepted"]);
  const instead = { [hunks[0]?.id ?? ""]: "**big** lion" };
  await owner.acceptSuggestion({ params: of, body: { instead } });
  expect(await markdownOf(params)).toBe("The quick **big** lion sat.\n\nAnother line.\n");
});

test("[S2 T54] a hunk whose place is gone is orphaned and applies to nothing", async () => {
  const params = await newDocument("One two three.\n\nFour five six.");
  const { id: suggestionId } = await suggest(params, "One two 3.\n\nFour five six.");
  const provider = await open(params.documentId);
  provider.document.getXmlFragment(FRAGMENT).delete(0, 1);
  await until(() => !provider.hasUnsyncedChanges);
  const of = { ...params, suggestionId };
  const { body } = await owner.acceptSuggestion({ params: of, body: {} });
  expect(body.applied).toEqual([]);
  expect(body.suggestion.hunks.map(({ state }) => state)).toEqual(["orphaned"]);
  const rejected = await owner.rejectSuggestion({ params: of, body: { reason: "gone" } });
  expect(rejected.body.suggestion.status).toBe("rejected");
  expect(await markdownOf(params)).toBe("Four five six.\n");
});

test("sections are changed, put in, taken out and moved; the heading that becomes a paragraph is one hunk", async () => {
  const params = await newDocument(
    "# A\n\nFirst of them.\n\n# B\n\nSecond of them.\n\n# C\n\nThird of them.",
  );
  const { body: outline } = await agent.getOutline({ params });
  const [a = "", b = "", c = ""] = outline.sections.map(({ sectionId }) => sectionId ?? "");
  const { body } = await agent.createSuggestion({
    params,
    body: {
      baseSeq: outline.seq,
      diffs: [
        { sectionId: b, newContent: "## B\n\nSecond of all.", explanation: "clearer" },
        { insertAfter: a, newContent: "# A2\n\nBetween." },
        { move: c, after: null },
      ],
    },
  });
  expect(body.hunks.every(({ state }) => state === "clean")).toBe(true);
  expect(new Set(body.hunks.map(({ kind }) => kind))).toEqual(
    new Set(["move", "insert", "replace", "attributes"]),
  );
  expect(body.diffs.map(({ op, explanation }) => [op, explanation])).toEqual([
    ["replace", "clearer"],
    ["insert", null],
    ["move", null],
  ]);
  const of = { ...params, suggestionId: body.id };
  await owner.acceptSuggestion({ params: of, body: {} });
  expect(await markdownOf(params)).toBe(
    "# C\n\nThird of them.\n\n# A\n\nFirst of them.\n\n# A2\n\nBetween.\n\n## B\n\nSecond of all.\n",
  );
});

test("[S1 S2 S4] the Mermaid source of a diagram, as any text", async () => {
  const { body } = await owner.createDocument({
    params: { projectId: tenant.projectId },
    body: { title: "Flow", type: "system_diagram", diagram: "graph TD; A-->B; B-->C" },
  });
  const params = { documentId: body.id };
  const diagram = "graph LR; A-->B; B-->D";
  const { id, hunks } = (await agent.createSuggestion({ params, body: { diagram } })).body;
  expect(hunks.map(({ before, after }) => [before.text, after.text])).toEqual([
    ["TD", "LR"],
    ["C", "D"],
  ]);
  const provider = await open(params.documentId);
  provider.document.getText("diagram").insert(15, " A-->E;");
  await until(() => !provider.hasUnsyncedChanges);
  const of = { ...params, suggestionId: id };
  const sourceOf = async () => (await owner.getContent({ params, query: {} })).body?.diagram;
  await owner.acceptSuggestion({ params: of, body: {} });
  expect(await sourceOf()).toBe("graph LR; A-->B A-->E;; B-->D");
  await owner.takeBackSuggestion({ params: of, body: { hunkIds: [hunks[0]?.id ?? ""] } });
  expect(await sourceOf()).toBe("graph TD; A-->B A-->E;; B-->D");
  const other = await newDocument("No diagram.");
  const refused = agent.createSuggestion({ params: other, body: { diagram } });
  expect(await codeOf(refused)).toBe("bad_request");
});

test("what cannot be suggested is refused with what to do", async () => {
  const params = await newDocument("Words.");
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
  const params = await newDocument("The quick cat sat.");
  const { seq } = (await agent.getOutline({ params })).body;
  const provider = await open(params.documentId);
  await type(provider, (text) => text.insert(0, "Look: "));
  const body = { content: "The quick dog sat.", baseSeq: seq };
  const { body: made } = await agent.createSuggestion({ params, body });
  expect(made.hunks.map(({ state, after }) => [state, after.text])).toEqual([["rebased", "dog"]]);
  await owner.acceptSuggestion({ params: { ...params, suggestionId: made.id }, body: {} });
  expect(await markdownOf(params)).toBe("Look: The quick dog sat.\n");
});

test("[S6] who decided and why is told to the agent, and counts for its trust", async () => {
  const params = await newDocument("One two three.");
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
    { hunkId: two, before: "two", after: "due", decision: "rejected", reason: "no Italian" },
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

test("[S5 T55] a dry run names the threads about words that would go", async () => {
  const params = await newDocument("The quick brown cat sat on the mat.");
  const thread = async (quote: string) =>
    (await owner.createThread({ params, body: { markdown: "?", anchor: { quote } } })).body.id;
  const [about, beside] = [await thread("brown cat"), await thread("the mat")];
  const { id } = await suggest(params, "The quick red dog sat on the mat.");
  const of = { ...params, suggestionId: id };
  const { body } = await agent.tryOutSuggestion({ params: of, body: {} });
  expect(body.affectedThreads.map(({ threadId }) => threadId)).toEqual([about]);
  await owner.acceptSuggestion({ params: of, body: {} });
  const isDetached = async (threadId: string): Promise<boolean> =>
    (await owner.getThread({ params: { ...params, threadId } })).body.detached;
  const expected = body.affectedThreads[0]?.detached ?? false;
  await until(async () => (await isDetached(about)) === expected, { timeoutMs: 20_000 });
  expect(await isDetached(beside)).toBe(false);
});

test("on the socket: the same calls, and suggestion.changed whenever a hunk stands otherwise", async () => {
  const params = await newDocument("The quick cat sat.");
  const provider = await open(params.documentId);
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
