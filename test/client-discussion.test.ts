import { expect, test } from "vitest";
import * as Y from "yjs";
import { createDiscussion } from "../client/index.ts";
import { anchorByQuote } from "../schema/anchor.ts";
import { parseMarkdown } from "../schema/content.ts";
import { writeThread } from "../schema/discussion.ts";
import { FRAGMENT } from "../schema/document-schema.ts";
import { replaceContent } from "../schema/replace-content.ts";
import { contentToYUpdate } from "../schema/yjs-content.ts";
import { until } from "./support/until.ts";

const SAID = parseMarkdown("Is that so?");

function opened() {
  const content = new Y.Doc();
  Y.applyUpdate(content, contentToYUpdate(parseMarkdown("The quick brown fox jumps.\n\nEnd.")));
  const comments = new Y.Doc();
  const discussion = createDiscussion({ comments, content, settleMs: 1 });
  let changes = 0;
  discussion.on("change", () => (changes += 1));
  const about = (id: string, quote: string | null): void => {
    const found = quote === null ? { anchor: null } : anchorByQuote(content, { quote });
    if (!("anchor" in found)) throw new Error("more than once");
    const first = {
      id,
      author: { userId: "u", agentId: null },
      content: SAID,
      at: `2026-01-0${id}`,
    };
    comments.transact(() => writeThread(comments, first, found.anchor));
  };
  return { content, comments, discussion, about, changes: () => changes };
}

test("a discussion lists its threads with the words that they are about, and follows both documents", async () => {
  const { content, discussion, about, changes } = opened();
  expect(discussion.threads).toEqual([]);
  about("1", "quick brown");
  about("2", null);
  expect(changes()).toBe(2);
  expect(
    discussion.threads.map(({ id, place, isDetached }) => [id, place?.text, isDetached]),
  ).toEqual([
    ["1", "quick brown", false],
    ["2", undefined, false],
  ]);
  const [text] = discussion.threads[0]?.place?.ranges ?? [];
  text?.text.insert(0, "Now: ");
  await until(() => changes() === 3);
  expect(discussion.threads[0]?.place?.ranges[0]).toMatchObject({ from: 9, to: 20 });
  replaceContent(content, parseMarkdown("Other."));
  await until(() => changes() === 4);
  expect(discussion.threads.map(({ isDetached }) => isDetached)).toEqual([true, false]);
  discussion.close();
});

test("an edit that moves no anchor is no change, and a closed discussion is silent", async () => {
  const { content, discussion, about, changes } = opened();
  about("1", "quick brown");
  const { threads } = discussion;
  const last = content.getXmlFragment(FRAGMENT).get(1) as Y.XmlElement;
  (last.get(0) as Y.XmlText).insert(0, "The ");
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect([changes(), discussion.threads === threads]).toEqual([1, true]);
  discussion.close();
  discussion.close();
  about("2", null);
  expect([changes(), discussion.threads.length]).toEqual([1, 1]);
});
