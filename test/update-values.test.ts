import * as encoding from "lib0/encoding";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import type { UpdateFault } from "../extensions/update-check.ts";
import { difference } from "../persistence/proof.ts";
import { expectOnlySenderPays } from "./support/hostile-update.ts";
import { replayRows } from "./support/log-rows.ts";
import {
  any,
  CONTENT,
  element,
  format,
  item,
  rawUpdate,
  type RawPlace,
  type RawStruct,
  xmlText,
} from "./support/raw-update.ts";
import { sized } from "./support/size.ts";
import { createRandom } from "./support/seed.ts";
import { openWire } from "./support/wire-client.ts";
import { useWorld } from "./support/world.ts";

const world = await useWorld();

/** A paragraph at clock 0, a text in it at clock 1, and what is put into them. */
const of = (...structs: RawStruct[]): Uint8Array =>
  rawUpdate({
    client: 1,
    structs: [element({ root: "default" }, "paragraph"), xmlText({ parent: [1, 0] }), ...structs],
  });

const attribute = (key: string): RawPlace => ({ parent: [1, 0], key });
const inText: RawPlace = { parent: [1, 1] };

const strings = (place: RawPlace, content: number, ...values: string[]): RawStruct =>
  item(place, content, (encoder) => {
    for (const value of values) encoding.writeVarString(encoder, value);
  });

/** As ContentJSON, which Yjs wrote before it had ContentAny. */
const oldJson = (place: RawPlace, json: string): RawStruct =>
  item(place, CONTENT.json, (encoder) => {
    encoding.writeVarUint(encoder, 1);
    encoding.writeVarString(encoder, json);
  });

/** A list in a list in a list, as lib0 writes it: by hand, for `writeAny` calls itself. */
const deepLists = (place: RawPlace, depth: number): RawStruct =>
  item(place, CONTENT.any, (encoder) => {
    encoding.writeVarUint(encoder, 1);
    for (let level = 0; level < depth; level += 1) {
      encoding.writeUint8(encoder, 117);
      encoding.writeVarUint(encoder, 1);
    }
    encoding.writeAny(encoder, null);
  });

const deepJson = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

describe("[T37] JSON that nests 5,000 deep costs its sender the socket", () => {
  // A list is read by a function that calls itself: the stack may be full before anybody has counted.
  test.each<[string, readonly UpdateFault[], RawStruct]>([
    ["in an attribute", ["depth", "unreadable"], deepLists(attribute("level"), 5000)],
    ["in an attribute, 200,000", ["unreadable"], deepLists(attribute("level"), 200_000)],
    ["in an attribute, as JSON", ["depth"], oldJson(attribute("level"), deepJson(5000))],
    ["in a mark", ["depth"], format(inText, "link", deepJson(5000))],
    ["in an embed", ["depth"], strings(inText, CONTENT.embed, deepJson(5000))],
  ])("%s", async (_where, reasons, struct) => {
    await expectOnlySenderPays(world, { update: of(struct), reasons });
  });
});

const bytesAsText = (...bytes: number[]): RawStruct =>
  item(inText, CONTENT.text, (encoder) =>
    encoding.writeVarUint8Array(encoder, Uint8Array.from(bytes)),
  );

/** An element whose name is these bytes. */
const bytesAsName = (...bytes: number[]): RawStruct =>
  item({ root: "default" }, CONTENT.type, (encoder) => {
    encoding.writeVarUint(encoder, 3);
    encoding.writeVarUint8Array(encoder, Uint8Array.from(bytes));
  });

const reaching = '{"a":{"__proto__":{"polluted":true}}}';

describe("[T39] what is no text, no JSON, or reaches a prototype costs its sender the socket", () => {
  test.each<[string, UpdateFault, RawStruct]>([
    ["bytes that are no UTF-8", "unreadable", bytesAsText(0x61, 0xff, 0xfe)],
    ["UTF-8 that ends too early", "unreadable", bytesAsText(0xf0, 0x9f, 0x98)],
    ["more bytes than a letter needs", "unreadable", bytesAsText(0xc0, 0x80)],
    ["the first half of a surrogate pair", "unreadable", bytesAsText(0xed, 0xa0, 0x80)],
    ["the second half of a surrogate pair", "unreadable", bytesAsText(0xed, 0xb0, 0x80)],
    ["a name that is no UTF-8", "unreadable", bytesAsName(0x70, 0xff)],
    ["an attribute __proto__", "key", any(attribute("__proto__"), { polluted: true })],
    ["an attribute constructor", "key", any(attribute("constructor"), 1)],
    ["a mark prototype", "key", format(inText, "prototype", "{}")],
    ["__proto__ in a mark", "key", format(inText, "link", reaching)],
    ["__proto__ in an embed", "key", strings(inText, CONTENT.embed, reaching)],
    ["__proto__ in an attribute", "key", oldJson(attribute("level"), reaching)],
    [
      "a prototype in an attribute",
      "value",
      any(attribute("level"), JSON.parse('{"__proto__":{"polluted":true}}')),
    ],
    ["a number that no JSON writes, in a mark", "value", format(inText, "bold", "1e400")],
    ["… in an embed", "value", strings(inText, CONTENT.embed, '{"a":[-1e400]}')],
    ["… in an attribute", "value", oldJson(attribute("level"), "-0")],
    ["an element __proto__", "key", element({ root: "default" }, "__proto__")],
  ])("%s", async (_what, reason, struct) => {
    await expectOnlySenderPays(world, { update: of(struct), reasons: [reason] });
    expect("polluted" in {}).toBe(false);
  });
});

test("[T39] texts of random bytes: taken where they are text, refused where they are not, the same after a restart", async () => {
  const random = createRandom();
  const { node, tenant, database } = world;
  const { documentId, name } = await tenant.document();
  const open = () => openWire({ url: node.url, name, token: tenant.token });
  let client = await open();
  // One client id for all of them: of new ones only so many are allowed.
  let clock = 0;
  let refused = 0;
  for (let round = 0; round < sized(150, 10_000); round += 1) {
    const bytes = randomText(random);
    const letters = decoded(bytes);
    // One behind the other, as they are typed.
    const place: RawPlace = clock === 0 ? { root: "diagram" } : { origin: [1, clock - 1] };
    const struct = item(place, CONTENT.text, (encoder) =>
      encoding.writeVarUint8Array(encoder, bytes),
    );
    client.send("update", rawUpdate({ client: 1, clock, structs: [struct] }));
    await client.answered();
    expect([round, client.closed === null]).toEqual([round, letters !== null]);
    if (letters === null) {
      refused += 1;
      expect(client.closed).toEqual({ code: 4400, reason: "bad_update" });
      client = await open();
    } else clock += letters.length;
  }
  expect(Math.min(clock, refused)).toBeGreaterThan(10);
  await client.answered();
  const replayed = await replayRows(database.sql, { documentId, part: "content" });
  const again = await open();
  expect(difference(again.document, replayed)).toBeNull();
  await Promise.all([client.close(), again.close()]);
});

/** A few letters of any length in UTF-8; in half of the cases one byte is another. */
function randomText(random: () => number): Uint8Array {
  const letters = ["a", "é", "\u2028", "語", "😀", "\u0000", "\ufeff"];
  const length = 1 + Math.floor(random() * 8);
  const words = Array.from(
    { length },
    () => letters[Math.floor(random() * letters.length)] ?? "a",
  ).join("");
  const bytes = new TextEncoder().encode(words);
  if (random() < 0.5) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  return bytes;
}

/** The text that the bytes are; null: they are none. */
function decoded(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

test("[T39] half a letter, as an editor may cut it, is written as a replacement and opens the same", async () => {
  const { node, tenant, database } = world;
  const { documentId, name } = await tenant.document();
  const writer = await openWire({ url: node.url, name, token: tenant.token });
  world.clients.push(writer);
  const diagram = writer.document.getText("diagram");
  diagram.insert(0, "a\ud83d");
  diagram.insert(diagram.length, "😀");
  diagram.insert(3, "between its halves");
  diagram.delete(0, 2);
  const paragraph = new Y.XmlElement("paragraph");
  paragraph.setAttribute("id", "\udc00x");
  writer.document.getXmlFragment("default").insert(0, [paragraph]);
  await writer.answered();
  expect([writer.closed, writer.refused]).toEqual([null, 0]);
  const replayed = await replayRows(database.sql, { documentId, part: "content" });
  const again = await openWire({ url: node.url, name, token: tenant.token });
  world.clients.push(again);
  expect(difference(again.document, replayed)).toBeNull();
  expect(again.document.getText("diagram").toJSON()).toContain("between its halves");
});
