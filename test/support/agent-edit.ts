import type { JSONContent } from "@tiptap/core";
import * as Y from "yjs";

import { parseContent } from "../../schema/content.ts";
import { FRAGMENT } from "../../schema/document-schema.ts";
import { pick, type Random } from "./random-document.ts";

const upTo = (random: Random, limit: number): number => Math.floor(random() * limit);

const REPLACEMENTS = ["better", "a shorter", "", "clear and plain"] as const;

/** The same content with some words, marks and blocks changed, as an agent would propose it. */
export function edited(random: Random, content: JSONContent): JSONContent {
  const blocks = (content.content ?? []).map((block) =>
    editedNode(random, block, block.type === "codeBlock"),
  );
  const kept = blocks.filter((block) => block !== null && random() > 0.05) as JSONContent[];
  if (kept.length > 1 && random() < 0.3) {
    const [moved] = kept.splice(upTo(random, kept.length), 1);
    kept.splice(upTo(random, kept.length + 1), 0, moved as JSONContent);
  }
  if (random() < 0.4) {
    const text = `A new paragraph ${upTo(random, 1000)}.`;
    const paragraph = { type: "paragraph", content: [{ type: "text", text }] };
    kept.splice(upTo(random, kept.length + 1), 0, paragraph);
  }
  const fallback = [{ type: "paragraph" }];
  return parseContent({ ...content, content: kept.length > 0 ? kept : fallback });
}

function editedNode(random: Random, node: JSONContent, isCode = false): JSONContent | null {
  if (node.type === "text") return editedText(random, node, isCode);
  if (node.content === undefined) return node;
  const content = node.content
    .map((child) =>
      editedNode(random, child, child.type === "codeBlock" || node.type === "codeBlock"),
    )
    .filter((child) => child !== null);
  if (content.length > 0) return { ...node, content };
  return { type: node.type ?? "", ...(node.attrs && { attrs: node.attrs }) };
}

function editedText(random: Random, node: JSONContent, isCode: boolean): JSONContent | null {
  const words = (node.text ?? "").split(" ");
  const text = words.map((word) => (random() < 0.15 ? pick(random, REPLACEMENTS) : word)).join(" ");
  if (text === "") return null;
  const isBold = random() < 0.1 && !isCode && node.marks === undefined;
  return { ...node, text, ...(isBold && { marks: [{ type: "bold" }] }) };
}

const textsOf = (parent: Y.XmlFragment): Y.XmlText[] =>
  (parent.toArray() as (Y.XmlText | Y.XmlElement)[]).flatMap((node) =>
    node instanceof Y.XmlText ? [node] : textsOf(node),
  );

/** No editor has its caret within a surrogate pair: Yjs makes a replacement character of each half. */
function wholeAt(text: Y.XmlText, at: number): number {
  const words = (text.toDelta() as { insert: string }[]).map(({ insert }) => insert).join("");
  return /[\uDC00-\uDFFF]/.test(words.charAt(at)) ? at - 1 : at;
}

/** What a person types: words that are nowhere else. Answers those that are still there at the end. */
export function typeAsPerson(random: Random, doc: Y.Doc, edits: number): string[] {
  const fragment = doc.getXmlFragment(FRAGMENT);
  const typed: string[] = [];
  for (let edit = 0; edit < edits; edit += 1) {
    const texts = textsOf(fragment);
    const text = texts[upTo(random, texts.length)];
    if (text === undefined) break;
    const at = wholeAt(text, upTo(random, text.length + 1));
    const lengthTo = (end: number): number => wholeAt(text, Math.min(text.length, end)) - at;
    if (random() < 0.6) {
      const word = `zq${edit}x${upTo(random, 1e9)}qz`;
      text.insert(at, random() < 0.5 ? ` ${word} ` : word);
      typed.push(word);
    } else if (random() < 0.7) text.delete(at, lengthTo(at + upTo(random, 6)));
    else text.format(at, lengthTo(at + 4), { bold: true });
  }
  return typed.filter((word) => fragment.toJSON().includes(word));
}
