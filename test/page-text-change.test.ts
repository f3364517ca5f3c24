import fc from "fast-check";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { movedBy, textChange } from "../editor/text-change.ts";

/** Few letters, so that many are equal; whole characters of one and of two UTF-16 units. */
const text = fc.string({ unit: fc.constantFrom("a", "b", "\n", "😀", "😁"), maxLength: 12 });

const applied = (before: string, change: ReturnType<typeof textChange>): string =>
  change === null
    ? before
    : before.slice(0, change.index) + change.inserted + before.slice(change.index + change.deleted);

test("a change leads from the one text to the other, wherever the caret is, and halves no character", () => {
  fc.assert(
    fc.property(text, text, fc.nat(), (before, after, anywhere) => {
      const change = textChange(before, after, anywhere % (after.length + 1));
      expect(applied(before, change)).toBe(after);
      expect((change?.inserted ?? "").isWellFormed()).toBe(true);
      const { index = 0, deleted = 0 } = change ?? {};
      expect(before.slice(index, index + deleted).isWellFormed()).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

test.each([
  ["aaa", "aaaa", 1, { index: 0, deleted: 0, inserted: "a" }],
  ["aaa", "aaaa", 4, { index: 3, deleted: 0, inserted: "a" }],
  ["aaa", "aa", 1, { index: 1, deleted: 1, inserted: "" }],
  ["one two", "one 2", 5, { index: 4, deleted: 3, inserted: "2" }],
  ["😀", "😁", 2, { index: 0, deleted: 2, inserted: "😁" }],
  ["x", "x", 1, null],
])("from %j to %j with the caret at %i", (before, after, caret, expected) => {
  expect(textChange(before, after, caret)).toEqual(expected);
});

/** Where the caret is after a change by somebody else: as it was moved here, and as Yjs says. */
function afterChange(before: string, inserted: string, [at, cut, caret]: readonly number[]) {
  const doc = new Y.Doc();
  const source = doc.getText("diagram");
  source.insert(0, before);
  const place = (caret ?? 0) % (before.length + 1);
  const anchor = Y.createRelativePositionFromTypeIndex(source, place, -1);
  let moved = place;
  source.observe(({ delta }) => {
    moved = movedBy(delta, place);
  });
  doc.transact(() => {
    const index = (at ?? 0) % (before.length + 1);
    source.delete(index, (cut ?? 0) % (before.length - index + 1));
    source.insert(index, inserted);
  });
  const expected = Y.createAbsolutePositionFromRelativePosition(anchor, doc)?.index;
  doc.destroy();
  return { moved, expected };
}

test("a caret stays beside its letters when others type and delete", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 12 });
  const places = fc.array(fc.nat(), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(letters, letters, places, (before, inserted, where) => {
      const { moved, expected } = afterChange(before, inserted, where);
      expect(moved).toBe(expected);
    }),
    { numRuns: 2000 },
  );
  expect(afterChange("ab", "x", [0, 0, 1])).toEqual({ moved: 2, expected: 2 });
});
