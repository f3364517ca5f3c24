import type { JSONContent } from "@tiptap/core";
import * as Y from "yjs";

import { storableText } from "../content-node.ts";
import { parseMarkdown } from "../content.ts";
import { documentSchema } from "../document-schema.ts";
import { ScriptoriumError } from "../errors.ts";
import type { Run, Step } from "../formatted-text.ts";
import { asNodes } from "./decide.ts";
import type { Hunk, NodesPart, TextPart } from "./hunk.ts";
import {
  between,
  itemsBetween,
  lastLive,
  lengthThrough,
  nodeAt,
  parentAt,
  piecesOf,
  textAt,
  type YNode,
} from "./place.ts";

/**
 * Writes what somebody has made of a hunk in its place, instead of what was proposed and of what stands there now: of
 * words, Markdown of one paragraph; of code, code; of blocks, Markdown of blocks. It is how a conflict is settled.
 * @throws ScriptoriumError `bad_content` for what does not fit there, and for a hunk of several parts or of attributes.
 */
export function writeInstead(doc: Y.Doc, { parts }: Pick<Hunk, "parts">, markdown: string): void {
  const [part, ...others] = parts;
  if (part === undefined || others.length > 0 || part.kind === "attributes") {
    throw new ScriptoriumError("bad_content", "This hunk can be accepted as it is, or be rejected");
  }
  doc.transact((transaction) => {
    if (part.kind === "text") writeWords(doc, part, markdown);
    else writeNodes({ doc, transaction }, part, parseMarkdown(markdown).content ?? []);
  });
}

function writeWords(doc: Y.Doc, part: TextPart, markdown: string): void {
  const text = textAt(doc, part.text);
  if (text === null) return;
  const pieces = piecesOf(text);
  const at = lengthThrough(pieces, part.left);
  const length = between(pieces, part)
    .filter(({ isLive }) => isLive)
    .reduce((sum, { range }) => sum + range[2], 0);
  const delta: Step[] = at > 0 ? [{ retain: at }] : [];
  const words = isCode(text) ? codeOf(markdown) : wordsOf(parseMarkdown(markdown).content ?? []);
  for (const { insert, attributes = {} } of words) delta.push({ insert, attributes });
  if (length > 0) delta.push({ delete: length });
  text.applyDelta(delta);
}

/** True for a text without formats: that of a code block, the source of a diagram. */
const isCode = ({ parent }: Y.Text): boolean =>
  !(parent instanceof Y.XmlElement) || documentSchema.nodes[parent.nodeName]?.markSet?.length === 0;

/** Code as it is: in it `*` means what it says. */
const codeOf = (code: string): Run[] => (code === "" ? [] : [{ insert: storableText(code) }]);

/** The words of one paragraph. */
function wordsOf([paragraph, ...others]: readonly JSONContent[]): Run[] {
  const inline = paragraph?.content ?? [];
  if (others.length > 0 || (paragraph !== undefined && paragraph.type !== "paragraph")) {
    throw new ScriptoriumError("bad_content", "Words of a paragraph are replaced by words only");
  }
  return asNodes(inline, ([text, ...more]) => {
    if (text === undefined) return [];
    if (more.length > 0 || !(text instanceof Y.XmlText)) {
      throw new ScriptoriumError("bad_content", "Only words and their formats can stand here");
    }
    return text.toDelta() as Run[];
  });
}

type Writing = { readonly doc: Y.Doc; readonly transaction: Y.Transaction };

function writeNodes(
  { doc, transaction }: Writing,
  part: NodesPart,
  content: readonly JSONContent[],
): void {
  const parent = parentAt(doc, part.parent);
  if (parent === null) return;
  if (part.parent !== null) {
    throw new ScriptoriumError("bad_content", "Only whole blocks can be accepted otherwise");
  }
  const removed = new Set(part.removed.map(({ id }) => nodeAt(doc, id)));
  const live = parent.toArray() as YNode[];
  const inside = new Set(itemsBetween(doc, parent, part));
  const gone = live.filter((node) => removed.has(node));
  const first = live.findIndex((node) => node._item !== null && inside.has(node._item));
  const left = part.left === null ? null : lastLive(doc, parent, part.left);
  const at = first === -1 ? live.findIndex((node) => node === left) + 1 : first;
  const nodes = asNodes(content, (made) => made.map((node): YNode => node.clone()));
  if (nodes.length > 0) parent.insertAfter(live[at - 1] ?? null, nodes);
  for (const node of gone) node._item?.delete(transaction);
}
