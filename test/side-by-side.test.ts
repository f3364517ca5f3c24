import { expect, test } from "vitest";
import * as Y from "yjs";
import { parseMarkdown } from "../schema/content.ts";
import { FRAGMENT } from "../schema/document-schema.ts";
import { cutHunks } from "../schema/suggestion/cut.ts";
import { acceptHunk } from "../schema/suggestion/decide.ts";
import { createHunkJudge } from "../schema/suggestion/state.ts";
import { contentToYUpdate } from "../schema/yjs-content.ts";

const BEFORE = "The quick brown fox jumps over the dog.";
const WANTED = "The slow brown fox jumps over the cat.";
const TYPED = " happily";

const STATE = contentToYUpdate(parseMarkdown(BEFORE));

/** The document while a person types between the two words that the agent changes. */
function typing(): Y.Doc {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, STATE);
  textOf(doc).insert(BEFORE.indexOf(" over"), TYPED);
  return doc;
}

const textOf = (doc: Y.Doc): Y.XmlText =>
  (doc.getXmlFragment(FRAGMENT).get(0) as Y.XmlElement).get(0) as Y.XmlText;

/** (a) What an agent does that writes the paragraph anew: it was read before the person typed. */
function replaceParagraph(doc: Y.Doc): string {
  const text = textOf(doc);
  text.delete(0, text.length);
  text.insert(0, WANTED);
  return text.toJSON();
}

/** (b) What a server does that refuses edits of a text that has changed: the agent reads, thinks and tries again. */
function refuseAndRetry(doc: Y.Doc, attempts: number): { tries: number; text: string } {
  const text = textOf(doc);
  for (let tries = 1; tries <= attempts; tries += 1) {
    const read = text.toJSON();
    // While the agent thinks the person types the next letter.
    text.insert(text.toJSON().indexOf(" over"), "x");
    if (read === text.toJSON()) return { tries, text: replaceParagraph(doc) };
  }
  return { tries: attempts, text: text.toJSON() };
}

/** (c) Hunks of single words. */
function acceptHunks(doc: Y.Doc): { states: string[]; text: string } {
  const hunks = cutHunks(STATE, { content: parseMarkdown(WANTED), diagram: null });
  const judge = createHunkJudge(doc);
  const states = hunks.map((hunk) => judge(hunk).state);
  for (const hunk of hunks) acceptHunk(doc, hunk);
  return { states, text: textOf(doc).toJSON() };
}

test("a person types between two words that an agent changes: three ways, side by side", () => {
  const replaced = replaceParagraph(typing());
  const retried = refuseAndRetry(typing(), 10);
  const hunked = acceptHunks(typing());
  // oxlint-disable-next-line no-console -- what README shows
  console.info(JSON.stringify({ replaced, retried, hunked }, null, 2));
  // The person's word is gone.
  expect(replaced).toBe(WANTED);
  // The person's words are there and the agent's are not: as long as somebody types, it never gets in.
  expect(retried.text).toContain(`jumps${TYPED}xxxxxxxxxx over the dog`);
  expect(hunked).toEqual({
    states: ["rebased", "rebased"],
    text: "The slow brown fox jumps happily over the cat.",
  });
});
