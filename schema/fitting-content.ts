import type { JSONContent } from "@tiptap/core";
import { type ContentMatch, Fragment, Mark, type Node, type NodeType } from "@tiptap/pm/model";
import { canonicalJson } from "./content-canonical.ts";
import {
  childrenOf,
  isRecord,
  type MarkJson,
  marksOf,
  MAX_DEPTH,
  mentionText,
  storableText,
  textAttribute,
  textOf,
} from "./content-node.ts";
import { documentSchema } from "./document-schema.ts";
import { fittingAttributes, type FittingAttributes } from "./fitting-attributes.ts";

/** Content of the document schema, and how many nodes, marks and attributes of what was given it has not. */
export type FittingContent = { readonly content: JSONContent; readonly dropped: number };

// The schema has it: without a paragraph there is no text.
const PARAGRAPH = documentSchema.nodes["paragraph"] as NodeType;

/** What has been left out so far. */
type Loss = { dropped: number };

/**
 * Makes of any JSON content that fits the document schema: what every exit gives, since a document may hold whatever
 * somebody's Yjs update put there. A node that the schema does not have gives its place to what is inside, and so does
 * one that cannot stand where it stands; of a mark the text stays, of an image or mention what it would have been read
 * as. Never throws; content without nodes stays empty.
 */
export function fittingContent(value: JSONContent): FittingContent {
  const loss = { dropped: 0 };
  const nodes = fittingNodes(loss, childrenOf(value), 1);
  if (nodes.length === 0) return { content: { type: "doc", content: [] }, dropped: loss.dropped };
  const document = filled(loss, documentSchema.topNodeType, {}, nodes);
  return { content: canonicalJson(document), dropped: loss.dropped };
}

function fittingNodes(loss: Loss, given: readonly JSONContent[], depth: number): Node[] {
  if (depth <= MAX_DEPTH) return given.flatMap((node) => fittingNode(loss, node, depth));
  loss.dropped += given.length;
  return [];
}

function fittingNode(loss: Loss, node: JSONContent, depth: number): readonly Node[] {
  const { type } = node;
  if (type === "text") return textNodes(textOf(node), fittingMarks(loss, node));
  const nodeType =
    typeof type === "string" && Object.hasOwn(documentSchema.nodes, type)
      ? documentSchema.nodes[type]
      : undefined;
  const children = fittingNodes(loss, childrenOf(node), depth + 1);
  const own = nodeType === undefined ? null : ownAttributes(node, nodeType);
  if (nodeType === undefined || own === null || nodeType === documentSchema.topNodeType) {
    loss.dropped += 1;
    return [...textNodes(readAs(node), Mark.none), ...children];
  }
  loss.dropped += own.dropped;
  return [filled(loss, nodeType, own.attributes, children)];
}

/** A text node must not be empty. */
const textNodes = (text: string, marks: readonly Mark[]): Node[] =>
  text === "" ? [] : [documentSchema.text(storableText(text), marks)];

/** The words of a node that is left out and holds them in its attributes. */
function readAs(node: JSONContent): string {
  if (node.type === "image") return textAttribute(node, "alt") ?? "";
  return node.type === "mention" ? mentionText(node) : "";
}

const ownAttributes = (
  { attrs }: { readonly attrs?: unknown },
  { spec }: Pick<NodeType, "spec">,
): FittingAttributes | null => fittingAttributes(isRecord(attrs) ? attrs : {}, spec.attrs ?? {});

function fittingMarks(loss: Loss, node: JSONContent): readonly Mark[] {
  let marks = Mark.none;
  for (const given of marksOf(node)) {
    const mark = fittingMark(loss, given);
    const more = mark?.addToSet(marks) ?? marks;
    if (more.length <= marks.length) loss.dropped += 1;
    marks = more;
  }
  return marks;
}

function fittingMark(loss: Loss, given: MarkJson): Mark | null {
  if (!Object.hasOwn(documentSchema.marks, given.type)) return null;
  const type = documentSchema.marks[given.type];
  const own =
    type === undefined ? null : fittingAttributes(given.attrs ?? {}, type.spec.attrs ?? {});
  if (type === undefined || own === null) return null;
  loss.dropped += own.dropped;
  return type.create(own.attributes);
}

/** A node that is being filled: what it has and what may come next. */
type Filling = {
  readonly loss: Loss;
  readonly type: NodeType;
  readonly placed: Node[];
  match: ContentMatch;
};

/** A node of this type with these nodes in it, as its content expression has it, and whatever it must have besides. */
function filled(
  loss: Loss,
  type: NodeType,
  attributes: FittingAttributes["attributes"],
  children: readonly Node[],
): Node {
  const filling: Filling = { loss, type, placed: [], match: type.contentMatch };
  placeAll(filling, children);
  const rest = filling.match.fillBefore(Fragment.empty, true) ?? Fragment.empty;
  return type.create(attributes, [...filling.placed, ...rest.content]);
}

/** Text and what stands in it goes into one paragraph where only blocks may stand. */
function placeAll(filling: Filling, nodes: readonly Node[]): void {
  const { loss, type } = filling;
  const takesBlocks = !type.inlineContent && !type.isLeaf;
  let line: Node[] = [];
  const endLine = (): void => {
    if (line.length === 0) return;
    const isPlaced = isPlacedIn(filling, filled(loss, PARAGRAPH, {}, line));
    if (!isPlaced) loss.dropped += line.length;
    line = [];
  };
  for (const node of nodes) {
    if (node.isInline && takesBlocks) line.push(node);
    else {
      endLine();
      place(filling, node);
    }
  }
  endLine();
}

function place(filling: Filling, node: Node): void {
  if (isPlacedIn(filling, node)) return;
  filling.loss.dropped += 1;
  placeAll(filling, node.children);
}

/** As it is, after what must come before it, or wrapped in what may hold it. */
function isPlacedIn(filling: Filling, node: Node): boolean {
  const { match, loss, type } = filling;
  const marks = type.allowedMarks(node.marks);
  const allowed = node.mark(marks);
  if (isAppended(filling, [allowed])) {
    loss.dropped += node.marks.length - marks.length;
    return true;
  }
  const before = match.fillBefore(Fragment.from(allowed));
  if (before !== null && isAppended(filling, [...before.content, allowed])) return true;
  const wrapping = match.findWrapping(node.type);
  return wrapping !== null && isAppended(filling, [wrapped(wrapping, node)]);
}

function isAppended(filling: Filling, nodes: readonly Node[]): boolean {
  const next = filling.match.matchFragment(Fragment.from(nodes));
  if (next === null) return false;
  filling.placed.push(...nodes);
  filling.match = next;
  return true;
}

/** From the inside out, each filled with what else it must hold. */
const wrapped = (outer: readonly NodeType[], node: Node): Node =>
  outer.reduceRight((inside, type) => type.createAndFill(null, inside) ?? inside, node);
