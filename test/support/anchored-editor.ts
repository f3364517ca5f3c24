import type { JSONContent } from "@tiptap/core";
import type { Node as ProseMirrorNode } from "@tiptap/pm/model";
import { canJoin, canSplit, Transform } from "@tiptap/pm/transform";
import { initProseMirrorDoc, updateYFragment } from "@tiptap/y-tiptap";
import * as Y from "yjs";
import { documentSchema, FRAGMENT } from "../../schema/document-schema.ts";
import { replaceContent } from "../../schema/replace-content.ts";
import { parseContent } from "../../schema/content.ts";
import { yDocToContent } from "../../schema/yjs-content.ts";
import { newBlockId } from "../../schema/block-ids.ts";

/** What it writes: one letter that no anchored words have. */
const TYPED = "z";

/** The kinds of edits that an editor makes at random places. */
export const EDITS = [
  "type",
  "delete",
  "split",
  "join",
  "move",
  "moveEntry",
  "format",
  "blockType",
  "cutAndPaste",
  "undo",
  "redo",
  "restore",
] as const;
type Edit = (typeof EDITS)[number];
type Change = (doc: ProseMirrorNode, transform: Transform) => void;

/** An editor without a page on `doc`: what Tiptap's collaboration extension does, with its undo. */
export function createAnchoredEditor(doc: Y.Doc, random: () => number) {
  const upTo = (limit: number): number => Math.floor(random() * limit);
  const origin = {};
  const fragment = doc.getXmlFragment(FRAGMENT);
  const history = new Y.UndoManager(fragment, {
    trackedOrigins: new Set([origin]),
    captureTimeout: 0,
  });
  const earlier: JSONContent[] = [];
  const remember = (): void => {
    try {
      earlier.push(parseContent(yDocToContent(doc)));
    } catch {
      // An undo may leave a list entry that holds nothing: no version would be made of it.
    }
  };
  remember();

  /** Changes the document as an editor would; what does not fit the schema is not done. */
  function change(make: Change): void {
    const { doc: before, meta } = initProseMirrorDoc(fragment, documentSchema);
    const transform = new Transform(before);
    try {
      make(before, transform);
      withFreshIds(transform);
      transform.doc.check();
    } catch {
      return; // ProseMirror refuses the change
    }
    if (transform.doc.eq(before)) return;
    doc.transact(() => updateYFragment(doc, fragment, transform.doc, meta), origin);
  }

  const changes: Record<Exclude<Edit, "undo" | "redo" | "restore">, Change> = {
    type: (before, transform) => {
      const { at } = placeIn(before, upTo);
      transform.insert(at, documentSchema.text(TYPED.repeat(1 + upTo(3))));
    },
    delete: (before, transform) => {
      const { at, end } = placeIn(before, upTo);
      transform.delete(at, Math.min(end, at + 1 + upTo(12)));
    },
    split: (before, transform) => {
      const { at } = placeIn(before, upTo);
      if (canSplit(before, at)) transform.split(at);
    },
    join: (before, transform) => {
      const at = oneOf(
        positions(before).filter((position) => canJoin(before, position)),
        upTo,
      );
      if (at !== undefined) transform.join(at);
    },
    move: (before, transform) => moveChild(transform, { parent: before, start: 0 }, upTo),
    moveEntry: (before, transform) => {
      const list = oneOf(nodesOf(before, ["bulletList", "table", "blockquote"]), upTo);
      if (list !== undefined) moveChild(transform, { parent: list.node, start: list.at + 1 }, upTo);
    },
    format: (before, transform) => {
      const { at, end } = placeIn(before, upTo);
      const mark = documentSchema.marks[random() < 0.5 ? "bold" : "italic"]?.create();
      const to = Math.min(end, at + 1 + upTo(20));
      if (mark === undefined) return;
      if (random() < 0.7) transform.addMark(at, to, mark);
      else transform.removeMark(at, to, mark);
    },
    blockType: (before, transform) => {
      const { at } = placeIn(before, upTo);
      const type = documentSchema.nodes[random() < 0.5 ? "heading" : "paragraph"];
      if (type !== undefined) transform.setBlockType(at, at, type);
    },
    cutAndPaste: (before, transform) => {
      const [one, other] = [placeIn(before, upTo), placeIn(before, upTo)];
      // Mostly within a block, as people do; sometimes from one into another.
      const far = random() < 0.2 ? other.at : Math.min(one.end, one.at + 1 + upTo(40));
      const [from, to] = [Math.min(one.at, far), Math.max(one.at, far)];
      const slice = before.slice(from, to);
      transform.deleteRange(from, to);
      const { at } = placeIn(transform.doc, upTo);
      transform.replaceRange(at, at, slice);
    },
  };

  return {
    change,
    /** Makes one edit of a kind at a random place. */
    edit(kind: Edit): void {
      if (kind === "undo") history.undo();
      else if (kind === "redo") history.redo();
      else if (kind === "restore") {
        const content = oneOf(earlier, upTo);
        if (content !== undefined) replaceContent(doc, content);
      } else change(changes[kind]);
      if (random() < 0.1) remember();
    },
    undo: () => history.undo(),
    close: () => history.destroy(),
  };
}

const oneOf = <T>(from: readonly T[], upTo: (limit: number) => number): T | undefined =>
  from[upTo(from.length)];

const positions = (doc: ProseMirrorNode): number[] =>
  Array.from({ length: doc.content.size }, (_, at) => at);

/** A random place in a text block, and where that ends. */
function placeIn(doc: ProseMirrorNode, upTo: (limit: number) => number) {
  const blocks: { start: number; size: number }[] = [];
  doc.descendants((node, at) => {
    if (node.isTextblock) blocks.push({ start: at + 1, size: node.content.size });
  });
  const { start, size } = oneOf(blocks, upTo) ?? { start: 0, size: 0 };
  return { at: start + upTo(size + 1), end: start + size };
}

function nodesOf(doc: ProseMirrorNode, names: readonly string[]) {
  const found: { node: ProseMirrorNode; at: number }[] = [];
  doc.descendants((node, at) => {
    if (names.includes(node.type.name)) found.push({ node, at });
  });
  return found;
}

type Parent = { readonly parent: ProseMirrorNode; readonly start: number };

function moveChild(
  transform: Transform,
  { parent, start }: Parent,
  upTo: (limit: number) => number,
): void {
  const [from, to] = [upTo(parent.childCount), upTo(parent.childCount)];
  if (from === to) return;
  moveTo(transform, { parent, start }, { from, to });
}

/** Moves the child number `from` to where it is number `to`. */
export function moveTo(
  transform: Transform,
  { parent, start }: Parent,
  { from, to }: { from: number; to: number },
): void {
  const sizes = Array.from({ length: parent.childCount }, (_, at) => parent.child(at).nodeSize);
  const placeOf = (list: readonly number[], index: number): number =>
    start + list.slice(0, index).reduce((sum, size) => sum + size, 0);
  const at = placeOf(sizes, from);
  transform.delete(at, at + parent.child(from).nodeSize);
  transform.insert(placeOf(sizes.toSpliced(from, 1), to), parent.child(from));
}

/** As `editor/fresh-block-ids.ts`. */
function withFreshIds(transform: Transform): void {
  const seen = new Set<unknown>();
  transform.doc.forEach((node, at) => {
    const id: unknown = node.attrs["id"];
    if ("id" in node.attrs && (id === null || seen.has(id))) {
      transform.setNodeAttribute(at, "id", newBlockId());
    }
    seen.add(id);
  });
}
