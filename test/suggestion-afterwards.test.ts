import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import * as Y from "yjs";
import { SuggestionWatch } from "../extensions/suggestions/watch.ts";
import type { PendingStandings } from "../persistence/apply-hunks.ts";
import { fittingContent, parseMarkdown, renderMarkdown } from "../schema/content.ts";
import { documentSchema, FRAGMENT } from "../schema/document-schema.ts";
import { cutHunks } from "../schema/suggestion/cut.ts";
import { acceptHunk, takeBackHunk } from "../schema/suggestion/decide.ts";
import type { Hunk } from "../schema/suggestion/hunk.ts";
import { writeInstead } from "../schema/suggestion/instead.ts";
import { createHunkJudge } from "../schema/suggestion/state.ts";
import { contentToYUpdate, yDocToContent } from "../schema/yjs-content.ts";
import { codeOf } from "./support/rest.ts";
import { type, useSuggestions } from "./support/suggestion-world.ts";
import { until } from "./support/until.ts";

const { rest, tenant, owner, agent, ...world } = await useSuggestions();

function cutOf(before: string, after: string): { doc: Y.Doc; hunks: Hunk[] } {
  const state = contentToYUpdate(parseMarkdown(before));
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state);
  return { doc, hunks: cutHunks(state, { content: parseMarkdown(after), diagram: null }) };
}

/** What it says; it fits the schema, so that an editor deletes nothing of it. */
function markdownOf(doc: Y.Doc): string {
  const content = yDocToContent(doc);
  documentSchema.nodeFromJSON(content).check();
  return renderMarkdown(fittingContent(content).content);
}

const blockOf = (doc: Y.Doc, index: number) =>
  doc.getXmlFragment(FRAGMENT).get(index) as Y.XmlElement;
const wordsOf = (doc: Y.Doc) => blockOf(doc, 0).get(0) as Y.XmlText;

const paragraph = (words: string): Y.XmlElement => within("paragraph", new Y.XmlText(words));

function within(name: string, child: Y.XmlElement | Y.XmlText): Y.XmlElement {
  const element = new Y.XmlElement(name);
  element.insert(0, [child]);
  return element;
}

function acceptAll(doc: Y.Doc, hunks: readonly Hunk[]): void {
  for (const hunk of hunks) acceptHunk(doc, hunk);
}

function takeAllBack(doc: Y.Doc, hunks: readonly Hunk[]): void {
  for (const hunk of hunks) takeBackHunk(doc, hunk);
}

test("[S4] a list item that holds others' words stays one, and a row keeps its columns", () => {
  const list = cutOf("- one thing\n- two things", "- one thing\n- of the agent\n- two things");
  acceptAll(list.doc, list.hunks);
  const nested = within("bulletList", within("listItem", paragraph("of a person")));
  (blockOf(list.doc, 0).get(1) as Y.XmlElement).insert(1, [nested]);
  takeAllBack(list.doc, list.hunks);
  expect(markdownOf(list.doc)).toBe("- one thing\n- &nbsp;\n  - of a person\n- two things\n");

  const head = "| a | b |\n| --- | --- |\n";
  const table = cutOf(`${head}| 1 | 2 |`, `${head}| 1 | 2 |\n| x | y |`);
  acceptAll(table.doc, table.hunks);
  const cell = (blockOf(table.doc, 0).get(2) as Y.XmlElement).get(1) as Y.XmlElement;
  ((cell.get(0) as Y.XmlElement).get(0) as Y.XmlText).insert(0, "mine");
  takeAllBack(table.doc, table.hunks);
  expect(markdownOf(table.doc)).toBe(`${head}| 1 | 2 |\n|  | mine |\n`);
});

test("[S4] what others rewrote since is not taken back: what it took would stand beside theirs", () => {
  const rewritten = cutOf("The quick cat sat.", "The slow cat sat.");
  acceptAll(rewritten.doc, rewritten.hunks);
  wordsOf(rewritten.doc).delete(4, 4);
  wordsOf(rewritten.doc).insert(4, "fast");
  takeAllBack(rewritten.doc, rewritten.hunks);
  expect(markdownOf(rewritten.doc)).toBe("The fast cat sat.\n");

  // An editor splits a paragraph so: what comes after is written anew in the next one.
  const split = cutOf("Look. The quick cat sat.", "Look. The slow cat sat.");
  acceptAll(split.doc, split.hunks);
  wordsOf(split.doc).delete(5, 18);
  split.doc.getXmlFragment(FRAGMENT).insert(1, [paragraph("The slow cat sat.")]);
  takeAllBack(split.doc, split.hunks);
  expect(markdownOf(split.doc)).toBe("Look.\n\nThe slow cat sat.\n");
});

test("[S2] words put in where somebody goes on writing the word beside it are a conflict", () => {
  for (const [typed, state] of [
    ["stead", "conflict"],
    [", soon", "rebased"],
  ] as const) {
    const { doc, hunks } = cutOf("Go home", "Go home now");
    wordsOf(doc).insert(7, typed);
    expect(createHunkJudge(doc)(hunks[0] as Hunk).state).toBe(state);
  }
});

test("[S2] other words accepted stand where the hunk did, and in code they are code", () => {
  const { doc, hunks } = cutOf("A.\n\nB.\n\nC.", "A.\n\nB.\n\nA new paragraph of the agent.\n\nC.");
  doc.getXmlFragment(FRAGMENT).delete(1, 1);
  writeInstead(doc, hunks[0] as Hunk, "A paragraph.");
  expect(markdownOf(doc)).toBe("A.\n\nA paragraph.\n\nC.\n");

  const code = cutOf("```js\nlet one;\n```", "```js\nlet two;\n```");
  writeInstead(code.doc, code.hunks[0] as Hunk, "**three**");
  expect(markdownOf(code.doc)).toBe("```js\nlet **three**;\n```\n");
});

test.each([
  ["a deletion in conflict", "The quick sat.", true],
  ["a deletion", "The quick sat.", false],
  ["other words", "A quick cat sat.", false],
  ["a format", "The quick **cat** sat.", false],
])(
  "[S4 S6] other words that somebody accepted are his: not taken back, and told to the agent (%s)",
  async (_, content, isConflict) => {
    const params = await world.newDocument("The quick cat sat.");
    const { body } = await agent.createSuggestion({ params, body: { content } });
    const of = { ...params, suggestionId: body.id };
    const [hunk] = body.hunks;
    if (isConflict) {
      const provider = await world.open(params.documentId);
      await type(provider, (text) => text.insert(13, "s"));
    }
    const instead = { [hunk?.id ?? ""]: "Our" };
    const { body: accepted } = await owner.acceptSuggestion({ params: of, body: { instead } });
    expect(accepted.suggestion.hunks).toMatchObject([
      { instead: "Our", decision: "accepted", state: isConflict ? "conflict" : "clean" },
    ]);
    const said = await world.markdownOf(params);
    expect(said).toContain("Our");
    const { body: back } = await owner.takeBackSuggestion({ params: of, body: {} });
    expect([back.applied, back.seq, back.suggestion.status]).toEqual([[], null, "accepted"]);
    expect(await world.markdownOf(params)).toBe(said);
    const { body: told } = await owner.listOutcomes({
      params: { agentId: world.agentId },
      query: { limit: 1 },
    });
    expect(told.outcomes).toMatchObject([{ hunkId: hunk?.id, instead: "Our" }]);
  },
);

test("[A1] a mention that becomes another names something of the organization", async () => {
  const before = `Ask [@Ann](mention:user/${tenant.userId}) first.`;
  const params = await world.newDocument(before);
  const content = before.replace(tenant.userId, randomUUID());
  expect(await codeOf(agent.createSuggestion({ params, body: { content } }))).toBe(
    "unknown_target",
  );
});

test("what is proposed while a text is looked at is told", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const told: string[] = [];
    const looks: ((standings: PendingStandings) => void)[] = [];
    const document = { once: () => {}, broadcastStateless: (text: string) => told.push(text) };
    const watch = new SuggestionWatch({
      pending: async () => 1,
      standings: () => new Promise((resolve) => looks.push(resolve)),
      live: { live: () => ({ document }) } as never,
      logger: pino({ level: "silent" }),
    });
    watch.committed({ documentId: "one", part: "content" });
    await vi.advanceTimersByTimeAsync(1000);
    watch.changed("one");
    looks[0]?.({ seq: 1, standings: {} });
    await vi.advanceTimersByTimeAsync(1000);
    looks[1]?.({ seq: 1, standings: { hunk: { state: "clean", theirs: [] } } });
    await vi.advanceTimersByTimeAsync(0);
    expect(told.map((text) => JSON.parse(text) as object)).toMatchObject([
      { event: "suggestion.changed", states: { hunk: "clean" } },
    ]);
    watch.close();
  } finally {
    vi.useRealTimers();
  }
});

test("what nests deeper than it can be sent to the thread is refused, and the next is answered", async () => {
  const params = await world.newDocument("Words.");
  const depth = 2000;
  const nested = `{"type":"blockquote","content":[`.repeat(depth) + "]}".repeat(depth);
  const refused = await fetch(`${rest.url}/api/v1/documents/${params.documentId}/suggestions`, {
    method: "POST",
    headers: { authorization: `Bearer ${tenant.token}`, "content-type": "application/json" },
    body: `{"content":{"type":"doc","content":[${nested}]}}`,
  });
  expect(await refused.json()).toMatchObject({ code: "bad_content" });
  const { body } = await agent.createSuggestion({ params, body: { content: "Other words." } });
  expect(body.hunks.map(({ state }) => state)).toEqual(["clean"]);
});

test("a text without any block can be suggested something for", async () => {
  const params = await world.newDocument("Words.");
  const provider = await world.open(params.documentId);
  provider.document.getXmlFragment(FRAGMENT).delete(0, 1);
  await until(() => !provider.hasUnsyncedChanges);
  const { body } = await agent.createSuggestion({ params, body: { content: "Other words." } });
  await owner.acceptSuggestion({ params: { ...params, suggestionId: body.id }, body: {} });
  expect(await world.markdownOf(params)).toBe("Other words.\n");
});

test("a rewriting of more hunks than people can decide is refused at once", () => {
  const wordsOf100 = (word: string) => Array.from({ length: 100 }, () => `the ${word}`).join(" ");
  const pages = (word: string) => Array.from({ length: 60 }, () => wordsOf100(word)).join("\n\n");
  const startedMs = performance.now();
  expect(() => cutOf(pages("cat"), pages("dog"))).toThrow("at most 2000 hunks");
  expect(performance.now() - startedMs).toBeLessThan(4000);
});

test("suggestions of megabytes are listed a few at a time, and only so many can wait", async () => {
  const params = await world.newDocument("Words.");
  const propose = (round: number) => {
    const text = `${round} ${"lorem ipsum ".repeat(80)}`;
    const block = { type: "paragraph", content: [{ type: "text", text }] };
    const content = { type: "doc", content: Array.from({ length: 3500 }, () => block) };
    return agent.createSuggestion({ params, body: { content } });
  };
  const made: string[] = [];
  for (let round = 0; round < 5; round += 1) made.push((await propose(round)).body.id);
  expect(await codeOf(propose(5))).toBe("conflict");
  const listed: string[] = [];
  let cursor: string | null = null;
  do {
    const query = { limit: 200, ...(cursor !== null && { cursor }) };
    const { body }: Awaited<ReturnType<typeof agent.listSuggestions>> = await agent.listSuggestions(
      { params, query },
    );
    expect(body.suggestions.length).toBeLessThan(made.length);
    listed.push(...body.suggestions.map(({ id }) => id));
    cursor = body.nextCursor;
  } while (cursor !== null);
  expect(listed).toEqual(made.toReversed());
  for (const suggestionId of made.slice(0, 3)) {
    await owner.rejectSuggestion({ params: { ...params, suggestionId }, body: {} });
  }
  for (let round = 5; round < 8; round += 1) made.push((await propose(round)).body.id);
  const outcomes: string[] = [];
  do {
    const query = { limit: 200, ...(cursor !== null && { cursor }) };
    const { body }: Awaited<ReturnType<typeof owner.listOutcomes>> = await owner.listOutcomes({
      params: { agentId: world.agentId },
      query,
    });
    const ids = body.outcomes.map(({ suggestionId }) => suggestionId);
    expect(made.every((id) => ids.includes(id))).toBe(false);
    outcomes.push(...body.outcomes.map(({ suggestionId }) => suggestionId));
    cursor = body.nextCursor;
  } while (cursor !== null);
  expect(made.filter((id) => !outcomes.includes(id))).toEqual([]);
}, 60_000);
