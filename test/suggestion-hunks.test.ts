import { expect, test } from "vitest";
import * as Y from "yjs";
import { parseContent, parseMarkdown } from "../schema/content.ts";
import { FRAGMENT } from "../schema/document-schema.ts";
import { cutHunks } from "../schema/suggestion/cut.ts";
import { acceptHunk, takeBackHunk } from "../schema/suggestion/decide.ts";
import type { Hunk } from "../schema/suggestion/hunk.ts";
import { contentKey } from "../schema/content-key.ts";
import { createHunkJudge } from "../schema/suggestion/state.ts";
import { contentToYUpdate, yDocToContent } from "../schema/yjs-content.ts";
import { edited, typeAsPerson } from "./support/agent-edit.ts";
import { randomContent } from "./support/random-document.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";

const random = createRandom();
const upTo = (limit: number): number => Math.floor(random() * limit);

const docOf = (state: Uint8Array): Y.Doc => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state);
  return doc;
};
const keyOf = (doc: Y.Doc): string => contentKey(yDocToContent(doc));
const shuffled = <T>(list: readonly T[]): T[] =>
  list
    .map((entry) => [random(), entry] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, entry]) => entry);

test("[S1 S2 S3 S4 T53] random documents, hunks and human edits", () => {
  for (let round = 0; round < sized(60, 1000); round += 1) {
    const state = contentToYUpdate(parseContent(randomContent(random, 1 + upTo(10))));
    const base = docOf(state);
    const wanted = edited(random, yDocToContent(base));
    const hunks = cutHunks(state, { content: wanted, diagram: null });

    const alone = docOf(state);
    for (const hunk of shuffled(hunks)) acceptHunk(alone, hunk);
    expect(keyOf(alone)).toBe(contentKey(wanted));
    const judgeBase = createHunkJudge(base);
    for (const hunk of hunks) expect(judgeBase(hunk).state).toBe("clean");
    for (const hunk of shuffled(hunks)) takeBackHunk(alone, hunk);
    expect(keyOf(alone)).toBe(keyOf(base));

    withPerson(state, hunks);
  }
}, 600_000);

/** The same while a person types: whatever is accepted, in any order, nothing of his is lost. */
function withPerson(state: Uint8Array, hunks: readonly Hunk[]): void {
  const person = docOf(state);
  const typed = typeAsPerson(random, person, 12);
  const judge = createHunkJudge(person);
  const safe = hunks.filter((hunk) => ["clean", "rebased"].includes(judge(hunk).state));
  const some = safe.filter(() => random() < 0.7);
  const accepted = docOf(Y.encodeStateAsUpdate(person));
  for (const hunk of shuffled(some)) acceptHunk(accepted, hunk);
  const words = accepted.getXmlFragment(FRAGMENT).toJSON();
  for (const word of typed) expect(words).toContain(word);

  // As if they had been typed concurrently: on the base, and then met what the person did.
  const concurrent = docOf(state);
  for (const hunk of shuffled(some)) acceptHunk(concurrent, hunk);
  Y.applyUpdate(concurrent, Y.encodeStateAsUpdate(person));
  expect(keyOf(concurrent)).toBe(keyOf(accepted));

  const once = keyOf(accepted);
  for (const hunk of some) acceptHunk(accepted, hunk);
  expect(keyOf(accepted)).toBe(once);

  const later = typeAsPerson(random, accepted, 6);
  for (const hunk of shuffled(some)) takeBackHunk(accepted, hunk);
  const left = accepted.getXmlFragment(FRAGMENT).toJSON();
  for (const word of later) expect(left).toContain(word);
}

const cutOf = (before: string, after: string) => {
  const state = contentToYUpdate(parseMarkdown(before));
  return {
    hunks: cutHunks(state, { content: parseMarkdown(after), diagram: null }),
    doc: docOf(state),
  };
};

const wordsOf = (doc: Y.Doc, block = 0): Y.XmlText =>
  (doc.getXmlFragment(FRAGMENT).get(block) as Y.XmlElement).get(0) as Y.XmlText;

const stateOf = (doc: Y.Doc, hunk: Hunk | undefined) => createHunkJudge(doc)(hunk as Hunk);

test("[S2 T54] the states of a replaced word", () => {
  const { hunks, doc } = cutOf("The quick cat sat.", "The quick dog sat.");
  expect(hunks).toHaveLength(1);
  const [hunk] = hunks;
  expect(stateOf(doc, hunk).state).toBe("clean");
  wordsOf(doc).insert(0, "Look: ");
  expect(stateOf(doc, hunk).state).toBe("rebased");
  wordsOf(doc).insert(16, "old ");
  expect(wordsOf(doc).toJSON()).toBe("Look: The quick old cat sat.");
  expect(stateOf(doc, hunk).state).toBe("rebased");
  wordsOf(doc).insert(23, "s");
  expect(stateOf(doc, hunk)).toEqual({
    state: "conflict",
    theirs: [{ kind: "text", runs: [{ insert: "old cats" }] }],
  });
  wordsOf(doc).delete(16, 8);
  expect(stateOf(doc, hunk).state).toBe("orphaned");
  doc.getXmlFragment(FRAGMENT).delete(0, 1);
  expect(stateOf(doc, hunk).state).toBe("orphaned");
});
