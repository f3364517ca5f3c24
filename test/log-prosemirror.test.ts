import { HocuspocusProvider } from "@hocuspocus/provider";
import type { Node as ProseMirrorNode } from "@tiptap/pm/model";
import { canSplit, Transform } from "@tiptap/pm/transform";
import { initProseMirrorDoc, updateYFragment } from "@tiptap/y-tiptap";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { loadDocument } from "../persistence/load-document.ts";
import { difference } from "../persistence/proof.ts";
import { parseMarkdown } from "../schema/content.ts";
import { documentSchema, FRAGMENT } from "../schema/document-schema.ts";
import { yDocToContent } from "../schema/yjs-content.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";
import { until } from "./support/until.ts";
import { useWorld } from "./support/world.ts";

const world = await useWorld();
const random = createRandom();
const upTo = (limit: number): number => Math.floor(random() * limit);

const MARKDOWN =
  "# Heading\n\nSome text to *change*.\n\n- one\n- two\n\n> quoted\n\n```\ncode\n```\n";

/** A random place inside a text block, and where that block ends; null when the document has none. */
function placeInText(
  doc: ProseMirrorNode,
): { from: number; end: number; block: ProseMirrorNode } | null {
  const places: { from: number; end: number; block: ProseMirrorNode }[] = [];
  doc.descendants((block, position) => {
    if (!block.isTextblock) return;
    const start = position + 1;
    places.push({
      from: start + upTo(block.content.size + 1),
      end: start + block.content.size,
      block,
    });
  });
  return places[upTo(places.length)] ?? null;
}

/** One step of the kind an editor makes: typing, deleting, marking, splitting, changing a block's type. */
function step(doc: ProseMirrorNode): ProseMirrorNode {
  const place = placeInText(doc);
  if (place === null) return doc;
  const { from, end, block } = place;
  const to = Math.min(end, from + 1 + upTo(6));
  const transform = new Transform(doc);
  const { bold, italic } = documentSchema.marks;
  const kind = random();
  if (kind < 0.5) transform.insert(from, documentSchema.text("word ".slice(0, 1 + upTo(5))));
  else if (kind < 0.65) transform.delete(from, to);
  else if (kind < 0.8) {
    const mark = (random() < 0.5 ? bold : italic)?.create();
    if (mark !== undefined && block.type.allowsMarkType(mark.type)) {
      transform.addMark(from, to, mark);
    }
  } else if (kind < 0.9 && canSplit(doc, from)) transform.split(from);
  else if (block.type.name === "paragraph" && doc.resolve(from).depth === 1) {
    const heading = documentSchema.nodes["heading"];
    if (heading !== undefined) transform.setBlockType(from, from, heading, { level: 2 });
  }
  return transform.doc;
}

/** What Tiptap's collaboration extension does with a transaction, without a page. */
function edit(provider: HocuspocusProvider): void {
  const fragment = provider.document.getXmlFragment(FRAGMENT);
  const { doc, meta } = initProseMirrorDoc(fragment, documentSchema);
  const next = step(doc);
  if (next.eq(doc)) return;
  next.check();
  provider.document.transact(() => updateYFragment(provider.document, fragment, next, meta));
}

test("[L1 L3] two editors' ProseMirror steps converge, and the log holds the same document", async () => {
  const rounds = sized(60, 1000);
  const { documentId, name } = await world.tenant.document({ content: parseMarkdown(MARKDOWN) });
  const providers = [1, 2].map(
    () => new HocuspocusProvider({ url: world.node.url, name, token: world.tenant.token }),
  );
  await until(() => providers.every((provider) => provider.synced));
  for (let round = 0; round < rounds; round += 1) {
    // Several at a time, so that they meet without having seen each other.
    for (const provider of providers) {
      for (let count = upTo(4); count > 0; count -= 1) edit(provider);
    }
    if (random() < 0.3) {
      await until(() => providers.every((provider) => !provider.hasUnsyncedChanges));
    }
  }
  await until(() => providers.every((provider) => !provider.hasUnsyncedChanges));
  const json = (provider: HocuspocusProvider): string =>
    JSON.stringify(yDocToContent(provider.document));
  const [one, other] = providers as [HocuspocusProvider, HocuspocusProvider];
  await until(() => json(one) === json(other));
  expect(difference(one.document, other.document)).toBeNull();
  const { doc } = initProseMirrorDoc(one.document.getXmlFragment(FRAGMENT), documentSchema);
  doc.check();
  // The stock provider's counter may say so early (FIELD-NOTES 12); the log knows.
  await until(() => world.node.updateLog.backlogBytes === 0);
  const stored = new Y.Doc();
  await loadDocument(world.database.sql, { documentId, part: "content" }, stored);
  expect(difference(stored, one.document)).toBeNull();
  for (const provider of providers) provider.destroy();
  await until(() => world.node.collaboration.documents.getDocumentsCount() === 0);
});
