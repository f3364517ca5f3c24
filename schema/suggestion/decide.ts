import type { JSONContent } from "@tiptap/core";
import { equalityDeep } from "lib0/function";
import type { ContentMatch } from "@tiptap/pm/model";
import { prosemirrorToYXmlFragment } from "@tiptap/y-tiptap";
import * as Y from "yjs";

import { documentSchema, FRAGMENT } from "../document-schema.ts";
import { assertNever } from "../errors.ts";
import type { Step } from "../formatted-text.ts";
import { writeAttributes } from "../yjs-attributes.ts";
import type { AttributesPart, Hunk, HunkPart, NodesPart, TextPart } from "./hunk.ts";
import {
  between,
  lastLive,
  lengthThrough,
  nodeAt,
  parentAt,
  piecesOf,
  textAt,
  type YNode,
} from "./place.ts";

/** Applies a hunk as it was made [S1]; one that is in the document changes nothing [S3]. */
export const acceptHunk = (doc: Y.Doc, { update }: Pick<Hunk, "update">): void =>
  Y.applyUpdate(doc, update);

/**
 * Takes an accepted hunk back by a forward edit [S4]: what it brought goes, what it took comes again, as new structs.
 * What others wrote since stays, also inside what it brought: a node that holds their words stays with them.
 * Where nothing is left of what it brought (others rewrote it, or put it elsewhere as words of their own), nothing of it
 * can go, and what it took would stand beside theirs: nothing is done, and the answer is false.
 */
export function takeBackHunk(doc: Y.Doc, hunk: Pick<Hunk, "parts" | "update">): boolean {
  const own = new Set(Y.parseUpdateMeta(hunk.update).to.keys());
  if (hunk.parts.some(brings) && !isLeft(doc, own)) return false;
  const { clients } = Y.decodeUpdate(hunk.update).ds;
  const taken = (client: number, at: number): boolean =>
    clients.get(client)?.some(({ clock, len }) => at >= clock && at < clock + len) ?? false;
  doc.transact((transaction) => {
    for (const part of hunk.parts) takeBackPart({ doc, transaction, own, taken }, part);
  });
  return true;
}

/** True for what puts words or nodes in. */
function brings(part: HunkPart): boolean {
  if (part.kind === "text") return part.steps.some((step) => "insert" in step);
  return part.kind === "nodes" && part.added.length > 0;
}

/** True when something that these clients wrote is in the document. */
const isLeft = (doc: Y.Doc, clients: ReadonlySet<number>): boolean =>
  [...clients].some((client) =>
    doc.store.clients
      .get(client)
      ?.some((struct) => struct instanceof Y.Item && !struct.deleted && struct.countable),
  );

type TakingBack = {
  readonly doc: Y.Doc;
  readonly transaction: Y.Transaction;
  /** The Yjs client ids of the hunk. */
  readonly own: ReadonlySet<number>;
  /** True for a character that it deleted. */
  readonly taken: (client: number, clock: number) => boolean;
};

function takeBackPart(taking: TakingBack, part: HunkPart): void {
  switch (part.kind) {
    case "text":
      takeBackText(taking, part);
      break;
    case "nodes":
      takeBackNodes(taking, part);
      break;
    case "attributes":
      takeBackAttributes(taking, part);
      break;
    default:
      assertNever(part);
  }
}

function takeBackText({ doc, own, taken }: TakingBack, part: TextPart): void {
  const text = textAt(doc, part.text);
  if (text === null) return;
  const pieces = piecesOf(text);
  const at = lengthThrough(pieces, part.left);
  const delta: Step[] = at > 0 ? [{ retain: at }] : [];
  const was = charactersOf(part);
  for (const { range, isLive, attributes } of between(pieces, part)) {
    const [client, clock, length] = range;
    if (isLive && own.has(client)) {
      delta.push({ delete: length });
      continue;
    }
    for (let index = 0; index < length; index += 1) {
      const character = was.get(`${client} ${clock + index}`);
      if (isLive) append(delta, retaining(character, attributes));
      else if (character !== undefined && taken(client, clock + index)) {
        append(delta, { insert: character.insert, attributes: character.formats });
      }
    }
  }
  text.applyDelta(delta);
}

type Formats = Readonly<Record<string, unknown>>;

/** A character as it was, and what formats the hunk changed of it. */
type Character = { readonly insert: string; readonly formats: Formats; readonly given: Formats };

/** The characters that a part was made on, by their place in the log. By UTF-16 units, as Yjs counts. */
function charactersOf({ base, before, steps }: TextPart): Map<string, Character> {
  const given = steps.flatMap((step): Formats[] => {
    if ("insert" in step) return [];
    const [length, formats] =
      "delete" in step ? [step.delete, {}] : [step.retain, step.attributes ?? {}];
    return Array.from({ length }, () => formats);
  });
  const units = before.flatMap(({ insert, attributes = {} }) =>
    Array.from({ length: insert.length }, (_, at) => [insert[at] ?? "", attributes] as const),
  );
  const places = base.flatMap(([client, clock, length]) =>
    Array.from({ length }, (_, index) => `${client} ${clock + index}`),
  );
  return new Map(
    places.map((place, at) => {
      const [insert, formats] = units[at] ?? ["", {}];
      return [place, { insert, formats, given: given[at] ?? {} }];
    }),
  );
}

/** A character that is there: it gets the formats again that it had, where nobody has changed them since. */
function retaining(character: Character | undefined, now: Formats): Step {
  const back = Object.entries(character?.given ?? {}).filter(([name, value]) =>
    equalityDeep(now[name] ?? null, value),
  );
  if (back.length === 0) return { retain: 1 };
  const attributes = back.map(([name]) => [name, character?.formats[name] ?? null]);
  return { retain: 1, attributes: Object.fromEntries(attributes) as Formats };
}

/** Characters side by side are treated together: Yjs makes half a surrogate pair a replacement character. */
function append(delta: Step[], step: Step): void {
  const joined = joinedSteps(delta.at(-1), step);
  if (joined === null) delta.push(step);
  else delta[delta.length - 1] = joined;
}

function joinedSteps(last: Step | undefined, step: Step): Step | null {
  if (last === undefined || "delete" in step || "delete" in last) return null;
  if (!equalityDeep(last.attributes, step.attributes)) return null;
  if ("insert" in last && "insert" in step) return { ...last, insert: last.insert + step.insert };
  if ("retain" in last && "retain" in step) return { ...last, retain: last.retain + step.retain };
  return null;
}

function takeBackNodes(taking: TakingBack, part: NodesPart): void {
  const { doc } = taking;
  const parent = parentAt(doc, part.parent);
  if (parent === null) return;
  const isThere = part.removed.map(({ id }) => nodeAt(doc, id) !== null);
  const missing = part.removed.filter((_, index) => isThere[index] === false);
  for (const child of parent.toArray() as YNode[]) withdraw(taking, child);
  const nodes = nodesOf(missing.flatMap(({ content }) => content));
  if (nodes.length === 0) return;
  const left = part.left === null ? null : lastLive(doc, parent, part.left);
  parent.insertAfter(left, nodes);
}

/** Deletes what the hunk brought of a node: the node itself, where nothing of anybody else is in it. */
function withdraw(taking: TakingBack, node: YNode): void {
  const item = node._item;
  if (item === null || !taking.own.has(item.id.client)) return;
  if (!holdsOthers(taking, node)) item.delete(taking.transaction);
  else if (node instanceof Y.XmlElement) withdrawInside(taking, node);
  else withdrawText(taking, node);
}

/**
 * The same inside a node that stays. What others' words cannot stand without is emptied: editors delete a node that does
 * not fit the schema, with all that is in it.
 */
function withdrawInside(taking: TakingBack, element: Y.XmlElement): void {
  let staying = element.toArray() as YNode[];
  for (const child of staying.toReversed()) {
    const others = staying.filter((each) => each !== child);
    if (holdsOthers(taking, child)) withdraw(taking, child);
    else if (fits(element, others)) {
      child._item?.delete(taking.transaction);
      staying = others;
    } else empty(taking, child);
  }
}

/** True when a node may have these children. A row keeps its cells: what stands in one belongs to its column. */
function fits({ nodeName }: Y.XmlElement, children: readonly YNode[]): boolean {
  const type = documentSchema.nodes[nodeName];
  if (nodeName === "tableRow") return false;
  if (type === undefined || type.isTextblock) return true;
  const found = children.reduce((match: ContentMatch | null, child) => {
    const childType = child instanceof Y.XmlElement ? documentSchema.nodes[child.nodeName] : null;
    return childType ? (match?.matchType(childType) ?? null) : match;
  }, type.contentMatch);
  return found?.validEnd === true;
}

/** Deletes the words in a node; its blocks stay. */
function empty(taking: TakingBack, node: YNode): void {
  if (node instanceof Y.XmlText) return;
  for (const child of node.toArray() as YNode[]) {
    const isBlock =
      child instanceof Y.XmlElement && documentSchema.nodes[child.nodeName]?.isInline === false;
    if (isBlock) empty(taking, child);
    else child._item?.delete(taking.transaction);
  }
}

function withdrawText({ own }: TakingBack, text: Y.XmlText): void {
  const delta = piecesOf(text)
    .filter(({ isLive }) => isLive)
    .map(({ range: [client, , length] }) =>
      own.has(client) ? { delete: length } : { retain: length },
    );
  text.applyDelta(delta);
}

function holdsOthers(taking: TakingBack, node: YNode): boolean {
  if (!taking.own.has(node._item?.id.client ?? -1)) return true;
  if (node instanceof Y.XmlElement) {
    return (node.toArray() as YNode[]).some((child) => holdsOthers(taking, child));
  }
  return piecesOf(node).some(({ isLive, range }) => isLive && !taking.own.has(range[0]));
}

function takeBackAttributes({ doc }: TakingBack, { node, before, after }: AttributesPart): void {
  const element = nodeAt(doc, node);
  if (!(element instanceof Y.XmlElement)) return;
  const now: Record<string, unknown> = element.getAttributes();
  // What others have given it since is theirs.
  const back = Object.entries(before).filter(([name]) =>
    equalityDeep(now[name] ?? null, after[name] ?? null),
  );
  writeAttributes(element, Object.fromEntries(back));
}

/** Nodes to be put into a document. */
const nodesOf = (content: readonly JSONContent[]): YNode[] =>
  asNodes(content, (nodes) => nodes.map((node): YNode => node.clone()));

/** Content as Yjs has it, for as long as `use` takes. Text nodes side by side are one text. */
export function asNodes<T>(
  content: readonly JSONContent[],
  use: (nodes: readonly YNode[]) => T,
): T {
  const isInline = content.some(({ type }) => documentSchema.nodes[type ?? ""]?.isInline === true);
  const blocks = isInline ? [{ type: "paragraph", content: [...content] }] : content;
  const doc = new Y.Doc();
  const fragment = doc.getXmlFragment(FRAGMENT);
  if (content.length > 0) prosemirrorToYXmlFragment(fragmentNode(blocks), fragment);
  const nodes = (fragment.toArray() as YNode[]).flatMap((node) =>
    isInline && node instanceof Y.XmlElement ? (node.toArray() as YNode[]) : [node],
  );
  const used = use(nodes);
  doc.destroy();
  return used;
}

/** Not checked as a document is: a list item or a row stands by itself here. */
const fragmentNode = (blocks: readonly JSONContent[]) =>
  documentSchema.topNodeType.create(
    null,
    blocks.map((block) => documentSchema.nodeFromJSON(block)),
  );
