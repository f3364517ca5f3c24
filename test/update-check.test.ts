import * as encoding from "lib0/encoding";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { checkUpdate } from "../extensions/update-check.ts";
import { crasher } from "./support/crasher.ts";
import {
  any,
  CONTENT,
  element,
  format,
  gc,
  item,
  rawUpdate,
  type RawStruct,
  skip,
  text,
  xmlText,
} from "./support/raw-update.ts";

const LIMITS = { maxStructs: 1000, maxDepth: 10, maxValueDepth: 4 };

const check = (update: Uint8Array, doc = new Y.Doc()) =>
  checkUpdate(Y.decodeUpdate(update), doc, LIMITS);

const ROOT = { root: "default" } as const;

/** A paragraph at clock 0 and a text in it at clock 1. */
const PARAGRAPH: readonly RawStruct[] = [element(ROOT, "paragraph"), xmlText({ parent: [1, 0] })];

const of = (...structs: RawStruct[]): Uint8Array => rawUpdate({ client: 1, structs });

const nested = (depth: number): RawStruct[] =>
  Array.from({ length: depth }, (_, index) =>
    element(index === 0 ? ROOT : { parent: [1, index - 1] }, "blockquote"),
  );

const deep = (depth: number): unknown =>
  Array.from({ length: depth }).reduce<unknown>((inner) => ({ a: inner }), 1);

const json = (value: string) => (encoder: encoding.Encoder) =>
  encoding.writeVarString(encoder, value);

const inText = { parent: [1, 1] } as const;
const attribute = { parent: [1, 0], key: "level" } as const;
const shared = { "": "" };

const runWithTwo = rawUpdate(
  { client: 1, structs: [gc(1)] },
  { client: 2, structs: [gc(1)] },
  { client: 1, clock: 1, structs: [gc(1)] },
);
const REFUSED: readonly [fault: string, what: string, update: Uint8Array][] = [
  ["structs", "too many of them", of(...Array.from({ length: 1001 }, () => gc(1)))],
  ["malformed", "an empty struct", of(gc(0))],
  ["malformed", "an empty text", of(...PARAGRAPH, text(inText, ""))],
  ["malformed", "a client that comes twice", runWithTwo],
  ["malformed", "a reference to itself", of(text({ origin: [1, 0] }, "a"))],
  [
    "malformed",
    "a parent that is a text",
    of(...PARAGRAPH, text(inText, "a"), text({ parent: [1, 2] }, "b")),
  ],
  [
    "malformed",
    "neighbours in two lists",
    of(...PARAGRAPH, text(inText, "a"), text({ origin: [1, 2], rightOrigin: [1, 0] }, "b")),
  ],
  [
    "clock",
    "a clock of 2^53 - 1",
    rawUpdate({ client: 1, clock: Number.MAX_SAFE_INTEGER - 1, structs: [gc(1)] }),
  ],
  ["clock", "a length of 2^31", of(gc(2 ** 31))],
  ["clock", "a client id of 33 bits", rawUpdate({ client: 2 ** 32, structs: [gc(1)] })],
  ["root", "an unknown root", of(element({ root: "other" }, "paragraph"))],
  ["root", "the discussion's root", of(any({ root: "threads", key: "a" }, 1))],
  ["kind", "text in the fragment", of(text(ROOT, "a"))],
  ["kind", "text in an element", of(...PARAGRAPH, text({ origin: [1, 1] }, "a"))],
  ["kind", "an element in a text", of(...PARAGRAPH, element(inText, "paragraph"))],
  ["kind", "an element in the diagram", of(element({ root: "diagram" }, "paragraph"))],
  ["kind", "an attribute of the fragment", of(any({ ...ROOT, key: "a" }, 1))],
  [
    "kind",
    "a map in the fragment",
    of(item(ROOT, CONTENT.type, (encoder) => encoding.writeVarUint(encoder, 1))),
  ],
  [
    "kind",
    "a subdocument",
    of(
      item(ROOT, CONTENT.doc, (encoder) => {
        encoding.writeVarString(encoder, "guid");
        encoding.writeAny(encoder, shared);
      }),
    ),
  ],
  [
    "kind",
    "bytes as an attribute",
    of(
      ...PARAGRAPH,
      item(attribute, CONTENT.binary, (encoder) =>
        encoding.writeVarUint8Array(encoder, Uint8Array.of(1)),
      ),
    ),
  ],
  ["key", "an attribute __proto__", of(...PARAGRAPH, any({ parent: [1, 0], key: "__proto__" }, 1))],
  [
    "key",
    "an attribute of 300 letters",
    of(...PARAGRAPH, any({ parent: [1, 0], key: "a".repeat(300) }, 1)),
  ],
  ["key", "a mark constructor", of(...PARAGRAPH, format(inText, "constructor", "{}"))],
  [
    "key",
    "a mark prototype with a hash",
    of(...PARAGRAPH, format(inText, "prototype--aGVsbG8h", "{}")),
  ],
  [
    "key",
    "__proto__ inside a mark",
    of(...PARAGRAPH, format(inText, "link", '{"a":[{"__proto__":{}}]}')),
  ],
  [
    "key",
    "__proto__ inside an embed",
    of(...PARAGRAPH, item(inText, CONTENT.embed, json('{"__proto__":1}'))),
  ],
  ["key", "an element of the name constructor", of(element(ROOT, "constructor"))],
  ["key", "an element of the name <script>", of(element(ROOT, "<script>"))],
  [
    "value",
    "a replaced prototype",
    of(...PARAGRAPH, any(attribute, JSON.parse('{"__proto__":{"a":1}}'))),
  ],
  ["value", "a bigint", of(...PARAGRAPH, any(attribute, 1n))],
  ["value", "bytes inside a value", of(...PARAGRAPH, any(attribute, [new Uint8Array(1)]))],
  ["depth", "elements that nest too deep", of(...nested(11))],
  ["depth", "a value that nests too deep", of(...PARAGRAPH, any(attribute, deep(5)))],
  [
    "depth",
    "a mark that nests too deep",
    of(...PARAGRAPH, format(inText, "link", JSON.stringify(deep(5)))),
  ],
];

describe("[T37 T39] an update is refused because of", () => {
  test.each(REFUSED)("%s: %s", (fault, _what, update) => {
    expect(check(update)).toMatchObject({ fault });
  });

  test("a nesting that several updates build, each a little", () => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, of(...nested(10)));
    const more = element({ parent: [1, 9] }, "blockquote");
    expect(check(rawUpdate({ client: 2, structs: [more] }), doc)).toMatchObject({ fault: "depth" });
  });

  test("a place that an element inherits from its neighbour", () => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, of(...nested(10)));
    const beside = element({ origin: [1, 9] }, "blockquote");
    const inside = element({ parent: [2, 0] }, "blockquote");
    const update = rawUpdate({ client: 2, structs: [beside, inside] });
    expect(check(update, doc)).toMatchObject({ fault: "depth" });
  });

  test("deletions that overlap: Yjs would walk each for itself", () => {
    const encoder = encoding.createEncoder();
    for (const value of [0, 1, 1, 2, 0, 5, 3, 5]) encoding.writeVarUint(encoder, value);
    expect(check(encoding.toUint8Array(encoder))).toMatchObject({ fault: "malformed" });
  });

  test.each([
    ["invalid UTF-8", Uint8Array.of(0xff, 0xfe)],
    ["half a surrogate pair", Uint8Array.of(0xed, 0xa0, 0x80)],
  ])("%s: it cannot be read", (_what, bytes) => {
    const bad = item(inText, CONTENT.text, (encoder) =>
      encoding.writeVarUint8Array(encoder, bytes),
    );
    expect(() => Y.decodeUpdate(of(...PARAGRAPH, bad))).toThrow();
  });
});

describe("[L6 T38] an update is incomplete because of", () => {
  const later = (place: Parameters<typeof text>[0]) =>
    rawUpdate({ client: 1, structs: [text(place, "a")] });
  const circle = rawUpdate(
    { client: 1, structs: [gc(1), text({ origin: [2, 1] }, "a")] },
    { client: 2, structs: [gc(1), text({ origin: [1, 1] }, "b")] },
  );
  test.each<[string, Uint8Array]>([
    ["earlier edits of its client", rawUpdate({ client: 1, clock: 1, structs: [gc(1)] })],
    ["a gap", of(gc(1), skip(1), gc(1))],
    ["a neighbour to the left", later({ origin: [2, 0] })],
    ["a neighbour to the right", later({ rightOrigin: [2, 0] })],
    ["a parent", later({ parent: [2, 0] })],
    ["two edits that wait for one another", circle],
  ])("%s, and Yjs keeps it back", (_what, update) => {
    expect(check(update)).toMatchObject({ fault: null, isIncomplete: true });
    const doc = new Y.Doc();
    Y.applyUpdate(doc, update);
    expect(doc.store.pendingStructs).not.toBeNull();
  });

  test("a deletion of what is not there", () => {
    const doc = new Y.Doc();
    doc.getText("diagram").insert(0, "ab");
    const before = Y.encodeStateVector(doc);
    doc.getText("diagram").delete(1, 1);
    const update = Y.encodeStateAsUpdate(doc, before);
    expect(check(update)).toMatchObject({ fault: null, isIncomplete: true });
    expect(check(update, doc)).toMatchObject({ fault: null, isIncomplete: false });
  });
});

test("[T37] what is new in an update is told by client, known clients apart", () => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, of(gc(3)));
  const update = rawUpdate(
    { client: 3, structs: [gc(1)] },
    { client: 2, structs: [gc(2)] },
    { client: 1, structs: [gc(2)] },
  );
  expect(check(update, doc)).toMatchObject({ news: [3, 2], newcomers: 2 });
});

test("[L6 T34] an attribute has one value at a time: several are past ones, and deleted", () => {
  const author = Object.assign(new Y.Doc({ gc: false }), { clientID: 1 });
  Y.applyUpdate(author, of(...PARAGRAPH));
  const block = author.getXmlFragment("default").get(0) as Y.XmlElement;
  author.clientID = 2;
  for (const level of ["1", "2", "3"]) block.setAttribute("level", level);
  const doc = new Y.Doc();
  Y.applyUpdate(doc, of(...PARAGRAPH));
  const update = Y.encodeStateAsUpdate(author, Y.encodeStateVector(doc));
  expect(Y.decodeUpdate(update).structs.map(({ length }) => length)).toEqual([2, 1]);
  expect(check(update, doc).fault).toBeNull();
  const { state, update: hostile } = crasher("values-of-an-attribute");
  const attacked = new Y.Doc();
  Y.applyUpdate(attacked, state);
  expect(check(hostile, attacked).fault).toBe("malformed");
});

test("[L6] what people insert at one place at the same time is in order, whoever comes first", () => {
  const docs = [1, 2, 3].map((clientID) => Object.assign(new Y.Doc(), { clientID }));
  const [first] = docs;
  Y.applyUpdate(first as Y.Doc, of(...PARAGRAPH, text(inText, "abc")));
  for (const doc of docs) Y.applyUpdate(doc, Y.encodeStateAsUpdate(first as Y.Doc));
  const textOf = (doc: Y.Doc) => (doc.getXmlFragment("default").get(0) as Y.XmlElement).get(0);
  for (let round = 0; round < 20; round += 1) {
    const updates = docs.map((doc) => {
      const before = Y.encodeStateVector(doc);
      const target = textOf(doc) as Y.XmlText;
      target.insert(1 + (round % 2), `${doc.clientID}`);
      target.format(0, 2, { bold: round % 3 === 0 ? true : null });
      target.insert(2, "xy");
      return Y.encodeStateAsUpdate(doc, before);
    });
    for (const doc of docs) {
      for (const update of updates) {
        expect(check(update, doc).fault).toBeNull();
        Y.applyUpdate(doc, update);
      }
    }
  }
});
