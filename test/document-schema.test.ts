import type { JSONContent } from "@tiptap/core";
import { expect, test } from "vitest";

import { newBlockId, withBlockIds } from "../schema/block-ids.ts";
import { BLOCK_TYPES, documentExtensions, documentSchema } from "../schema/document-schema.ts";

test("the schema has every node and mark a document can hold, and no more", () => {
  expect(Object.keys(documentSchema.nodes).toSorted()).toEqual([
    "blockquote",
    "bulletList",
    "codeBlock",
    "doc",
    "hardBreak",
    "heading",
    "horizontalRule",
    "image",
    "listItem",
    "mention",
    "orderedList",
    "paragraph",
    "table",
    "tableCell",
    "tableHeader",
    "tableRow",
    "taskItem",
    "taskList",
    "text",
  ]);
  expect(Object.keys(documentSchema.marks).toSorted()).toEqual([
    "bold",
    "code",
    "italic",
    "link",
    "strike",
    "underline",
  ]);
});

test("every node that can stand at the top level has an id, and no other", () => {
  const topLevel = Object.values(documentSchema.nodes).filter((type) => type.isInGroup("block"));
  expect(topLevel.map(({ name }) => name).toSorted()).toEqual([...BLOCK_TYPES].toSorted());
  for (const type of Object.values(documentSchema.nodes)) {
    expect("id" in (type.spec.attrs ?? {}), `node ${type.name}`).toBe(topLevel.includes(type));
  }
});

test("no mark may be on a text twice, so that Yjs keeps each under its own name", () => {
  for (const mark of Object.values(documentSchema.marks)) expect(mark.excludes(mark)).toBe(true);
});

test("the extensions bring no undo history and no trailing paragraph", () => {
  const names = documentExtensions.map(({ name }) => name);
  expect(names).not.toContain("undoRedo");
  expect(names).not.toContain("trailingNode");
  expect(new Set(names).size).toBe(names.length);
});

const paragraph = (attrs?: Record<string, unknown>): JSONContent => ({
  type: "paragraph",
  ...(attrs && { attrs }),
});
const idsOf = (document: JSONContent): unknown[] =>
  (document.content ?? []).map(({ attrs }) => attrs?.["id"]);

test("blocks without an id, with a second use of one, or with an unusable one get a fresh id", () => {
  const blocks = [
    paragraph({ id: "a" }),
    paragraph(),
    paragraph({ id: "a" }),
    paragraph({ id: null }),
    paragraph({ id: 7 }),
    paragraph({ id: "no spaces" }),
  ];
  const document = { type: "doc", content: blocks };
  const before = structuredClone(document);
  const withIds = withBlockIds(document);
  expect(document).toEqual(before);
  expect(withIds.content?.[0]).toBe(blocks[0]);
  expect(new Set(idsOf(withIds)).size).toBe(blocks.length);
  expect(idsOf(withBlockIds(withIds))).toEqual(idsOf(withIds));
});

test("nested blocks are left without ids and other attributes are kept", () => {
  const quote = { type: "blockquote", content: [paragraph()] };
  const heading = { type: "heading", attrs: { level: 3 } };
  const [first, second] = withBlockIds({ type: "doc", content: [quote, heading] }).content ?? [];
  expect(first?.content).toEqual([paragraph()]);
  expect(second?.attrs).toEqual({ level: 3, id: expect.stringMatching(/^[\w-]{36}$/u) });
  expect(newBlockId()).not.toBe(newBlockId());
});
