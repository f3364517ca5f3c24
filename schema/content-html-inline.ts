import type { JSONContent } from "@tiptap/core";

import type { MarkJson } from "./content-node.ts";
import { isLinkUrl } from "./content-url.ts";
import { MENTION_TARGETS } from "./document-attributes.ts";
import type { HtmlElement, HtmlNode } from "./html-tree.ts";

/** The marks of a place in the text, one of each type. */
export type MarkJsons = readonly MarkJson[];

const MARKS: Readonly<Record<string, string>> = {
  strong: "bold",
  b: "bold",
  em: "italic",
  i: "italic",
  s: "strike",
  del: "strike",
  strike: "strike",
  u: "underline",
  ins: "underline",
  code: "code",
};

const TARGET_TYPES: readonly string[] = MENTION_TARGETS;
const TARGET_ID = /^[\w-]{1,100}$/u;

/** Text with marks, line breaks and mentions; white space as a browser shows it. */
export function parseInline(nodes: readonly HtmlNode[], marks: MarkJsons): JSONContent[] {
  const content: JSONContent[] = [];
  for (const node of nodes) addNode(content, node, marks);
  return trimmed(content);
}

/** All text inside, as it stands. */
export const textInside = (nodes: readonly HtmlNode[]): string =>
  nodes.map((node) => (typeof node === "string" ? node : textInside(node.children))).join("");

function addNode(content: JSONContent[], node: HtmlNode, marks: MarkJsons): void {
  if (typeof node === "string") return addText(content, node, marks);
  if (node.tag === "br") {
    content.push({ type: "hardBreak" });
    return;
  }
  const mention = mentionOf(node);
  if (mention !== null) {
    content.push(mention);
    return;
  }
  const mark = markOf(node);
  const inside = mark === null ? marks : [...marks.filter(({ type }) => type !== mark.type), mark];
  for (const child of node.children) addNode(content, child, inside);
}

function addText(content: JSONContent[], raw: string, marks: MarkJsons): void {
  const last = content.at(-1);
  const followsSpace =
    last === undefined || last.type === "hardBreak" || /[ ]$/u.test(last.text ?? "");
  // Not \s: a no-break space is a character like others.
  const collapsed = raw.replaceAll(/[ \t\n\r\f]+/gu, " ");
  const text = followsSpace ? collapsed.replace(/^ /u, "") : collapsed;
  if (text !== "") content.push({ type: "text", text, marks: [...marks] });
}

/** Without the white space at the end of a line. */
function trimmed(content: readonly JSONContent[]): JSONContent[] {
  return content.flatMap((node, index) => {
    const next = content[index + 1];
    if (node.type !== "text" || (next !== undefined && next.type !== "hardBreak")) return [node];
    const text = (node.text ?? "").replace(/ $/u, "");
    return text === "" ? [] : [{ ...node, text }];
  });
}

function markOf({ tag, attributes }: HtmlElement): MarkJson | null {
  if (tag === "a") {
    const href = attributes.get("href");
    const title = attributes.get("title");
    if (!isLinkUrl(href)) return null;
    return { type: "link", attrs: { href, ...(title !== undefined && { title }) } };
  }
  const type = Object.hasOwn(MARKS, tag) ? MARKS[tag] : undefined;
  return type === undefined ? null : { type };
}

function mentionOf({ attributes }: HtmlElement): JSONContent | null {
  if (attributes.get("data-type") !== "mention") return null;
  const targetType = attributes.get("data-target-type") ?? "";
  const targetId = attributes.get("data-target-id") ?? "";
  if (!TARGET_TYPES.includes(targetType) || !TARGET_ID.test(targetId)) return null;
  const label = attributes.get("data-label");
  return {
    type: "mention",
    attrs: { targetType, targetId, ...(label !== undefined && { label }) },
  };
}
