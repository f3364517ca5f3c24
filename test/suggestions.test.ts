import { expect, test } from "vitest";
import { FRAGMENT } from "../schema/document-schema.ts";
import { codeOf } from "./support/rest.ts";
import { type, useSuggestions } from "./support/suggestion-world.ts";
import { until } from "./support/until.ts";

const { tenant, owner, agent, ...world } = await useSuggestions();

const suggest = async (params: { documentId: string }, content: string) =>
  (await agent.createSuggestion({ params, body: { content } })).body;

test("[S1 S3 S4] words are accepted one by one beside what somebody types, and taken back", async () => {
  const params = await world.newDocument("The quick brown cat sat on the mat.");
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
  expect(await world.markdownOf(params)).toBe("The quick brown cat sat on the mat.\n");
  const provider = await world.open(params.documentId);
  await type(provider, (text) => text.insert(15, " little"));
  const of = { ...params, suggestionId };
  const [first, second] = hunks;
  const one = await owner.acceptSuggestion({ params: of, body: { hunkIds: [first?.id ?? ""] } });
  expect(one.body.applied).toEqual([first?.id]);
  expect(one.body.suggestion.status).toBe("partially_accepted");
  await until(() => provider.document.getXmlFragment(FRAGMENT).toJSON().includes("slow"));
  expect(await world.markdownOf(params)).toBe("The slow brown little cat sat on the mat.\n");
  const { body: rest2 } = await owner.acceptSuggestion({ params: of, body: {} });
  expect(rest2.applied).toEqual([second?.id]);
  expect(rest2.suggestion.status).toBe("accepted");
  expect(await world.markdownOf(params)).toBe("The slow brown little dog sat on the mat.\n");
  const again = await owner.acceptSuggestion({ params: of, body: {} });
  expect([again.body.applied, again.body.seq]).toEqual([[], null]);
  await owner.takeBackSuggestion({
    params: of,
    body: { hunkIds: [first?.id ?? ""], reason: "no" },
  });
  expect(await world.markdownOf(params)).toBe("The quick brown little dog sat on the mat.\n");
});

test("[S2 S5 T54] a conflict is shown with both texts, is never applied silently, and is settled by other words", async () => {
  const params = await world.newDocument("The quick cat sat.\n\nAnother paragraph.");
  const { id: suggestionId, hunks } = await suggest(params, "The quick dog sat.\n\nAnother line.");
  const of = { ...params, suggestionId };
  const provider = await world.open(params.documentId);
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
  expect(await world.markdownOf(params)).toBe("The quick lion sat.\n\nAnother paragraph.\n");
  const { body: done } = await owner.acceptSuggestion({ params: of, body: {} });
  expect(await world.markdownOf(params)).toBe(tried.markdown);
  expect(await world.markdownOf(params)).toBe("The quick lion sat.\n\nAnother line.\n");
  expect(done.suggestion.hunks.map(({ decision }) => decision)).toEqual(["pending", "accepted"]);
  const instead = { [hunks[0]?.id ?? ""]: "**big** lion" };
  await owner.acceptSuggestion({ params: of, body: { instead } });
  expect(await world.markdownOf(params)).toBe("The quick **big** lion sat.\n\nAnother line.\n");
});

test("[S2] who wants only what is clean leaves out what others wrote beside", async () => {
  const params = await world.newDocument("The quick cat sat.\n\nAnother paragraph.");
  const { id, hunks } = await suggest(params, "The quick dog sat.\n\nAnother line.");
  const provider = await world.open(params.documentId);
  await type(provider, (text) => text.insert(0, "Look: "));
  const of = { ...params, suggestionId: id };
  const { body } = await owner.acceptSuggestion({ params: of, body: { onlyClean: true } });
  expect([body.applied, body.refused]).toEqual([[hunks[1]?.id], [hunks[0]?.id]]);
  expect(await world.markdownOf(params)).toBe("Look: The quick cat sat.\n\nAnother line.\n");
});

test("[S2 T54] a hunk whose place is gone is orphaned and applies to nothing", async () => {
  const params = await world.newDocument("One two three.\n\nFour five six.");
  const { id: suggestionId } = await suggest(params, "One two 3.\n\nFour five six.");
  const provider = await world.open(params.documentId);
  provider.document.getXmlFragment(FRAGMENT).delete(0, 1);
  await until(() => !provider.hasUnsyncedChanges);
  const of = { ...params, suggestionId };
  const { body } = await owner.acceptSuggestion({ params: of, body: {} });
  expect(body.applied).toEqual([]);
  expect(body.suggestion.hunks.map(({ state }) => state)).toEqual(["orphaned"]);
  const rejected = await owner.rejectSuggestion({ params: of, body: { reason: "gone" } });
  expect(rejected.body.suggestion.status).toBe("rejected");
  expect(await world.markdownOf(params)).toBe("Four five six.\n");
});

test("sections are changed, put in, taken out and moved; the heading that becomes a paragraph is one hunk", async () => {
  const params = await world.newDocument(
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
  expect(await world.markdownOf(params)).toBe(
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
  const provider = await world.open(params.documentId);
  provider.document.getText("diagram").insert(15, " A-->E;");
  await until(() => !provider.hasUnsyncedChanges);
  const of = { ...params, suggestionId: id };
  const sourceOf = async () => (await owner.getContent({ params, query: {} })).body?.diagram;
  await owner.acceptSuggestion({ params: of, body: {} });
  expect(await sourceOf()).toBe("graph LR; A-->B A-->E;; B-->D");
  await owner.takeBackSuggestion({ params: of, body: { hunkIds: [hunks[0]?.id ?? ""] } });
  expect(await sourceOf()).toBe("graph TD; A-->B A-->E;; B-->D");
  const other = await world.newDocument("No diagram.");
  const refused = agent.createSuggestion({ params: other, body: { diagram } });
  expect(await codeOf(refused)).toBe("bad_request");
});

test("[S5 T55] a dry run names the threads about words that would go", async () => {
  const params = await world.newDocument("The quick brown cat sat on the mat.");
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
