import type { JSONContent } from "@tiptap/core";
import type { Token, Tokens } from "marked";

import { decodeEntities } from "./content-entities.ts";
import { type MarkJson, textOf } from "./content-node.ts";
import { isImageUrl, isLinkUrl } from "./content-url.ts";
import { MENTION_TARGETS } from "./document-attributes.ts";

const MENTION = new RegExp(`^mention:(${MENTION_TARGETS.join("|")})/([\\w-]{1,100})$`, "u");
const MAX_LABEL = 200;
const MAX_TEXT = 2000;

const TAG_MARKS: Readonly<Record<string, string>> = {
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

type Marks = readonly MarkJson[];

const withMark = (marks: Marks, mark: MarkJson): Marks =>
  marks.some(({ type }) => type === mark.type) ? marks : [...marks, mark];

const textNode = (text: string, marks: Marks): JSONContent[] =>
  text === "" ? [] : [{ type: "text", text, ...(marks.length > 0 && { marks: [...marks] }) }];

/** A line break inside a paragraph is a space; entities are decoded after it, they may stand for one. */
const softText = (text: string): string => decodeEntities(text.replace(/[ \t]*\n[ \t]*/gu, " "));

const childTokens = (token: Token): Token[] =>
  "tokens" in token && Array.isArray(token.tokens) ? token.tokens : [];

/** The text of tokens without marks: alternative texts and labels. */
const bareText = (tokens: Token[]): string =>
  parseTokens(tokens, [])
    .map((node) => (node.type === "hardBreak" ? " " : textOf(node)))
    .join("");

const cleanUrl = (href: string): string =>
  decodeEntities(href)
    .trim()
    .replace(/[\s<>"]/gu, (character) => encodeURIComponent(character));

/** marked gives nothing also for an empty one. */
const titleOf = ({ title, raw }: Tokens.Link | Tokens.Image): string | null => {
  if (title) return decodeEntities(title).slice(0, MAX_TEXT);
  return raw.endsWith('"")') ? "" : null;
};

function parseLink(token: Tokens.Link, marks: Marks): JSONContent[] {
  const href = cleanUrl(token.href);
  const [, targetType, targetId] = MENTION.exec(href) ?? [];
  if (targetType !== undefined) {
    const label = bareText(token.tokens).replace(/^@/u, "").slice(0, MAX_LABEL);
    return [{ type: "mention", attrs: { targetType, targetId, label } }];
  }
  if (!isLinkUrl(href)) return parseTokens(token.tokens, marks);
  const attrs = { href, title: titleOf(token) };
  return parseTokens(token.tokens, withMark(marks, { type: "link", attrs }));
}

function parseImage(token: Tokens.Image, marks: Marks): JSONContent[] {
  const alt = bareText(childTokens(token)).slice(0, MAX_TEXT);
  const src = cleanUrl(token.href);
  if (!isImageUrl(src)) return textNode(alt, marks);
  const attrs = { src, alt: token.text === "" ? null : alt, title: titleOf(token) };
  return [{ type: "image", attrs }];
}

const tagOf = (token: Token): { name: string; closing: boolean } | undefined => {
  const [, slash, name] = /^<(\/?)([a-z]+)>$/iu.exec(token.type === "html" ? token.raw : "") ?? [];
  return name === undefined ? undefined : { name: name.toLowerCase(), closing: slash === "/" };
};

/** For each tag that stands for a mark and has its partner: the mark it begins or ends. */
function pairTags(tokens: Token[]): Map<number, { type: string; closing: boolean }> {
  const pairs = new Map<number, { type: string; closing: boolean }>();
  const waiting = new Map<string, number[]>();
  tokens.forEach((token, index) => {
    const tag = tagOf(token);
    const type = tag && Object.hasOwn(TAG_MARKS, tag.name) ? TAG_MARKS[tag.name] : undefined;
    if (tag === undefined || type === undefined) return;
    const opened = waiting.get(tag.name) ?? [];
    if (!tag.closing) waiting.set(tag.name, [...opened, index].slice(-MAX_OPEN_TAGS));
    else {
      const partner = opened.pop();
      if (partner === undefined) return;
      pairs.set(partner, { type, closing: false }).set(index, { type, closing: true });
    }
  });
  return pairs;
}

const MAX_OPEN_TAGS = 20;

function parseToken(token: Token, marks: Marks): JSONContent[] {
  switch (token.type) {
    case "escape":
      return textNode((token as Tokens.Escape).text, marks);
    case "strong":
      return parseTokens(childTokens(token), withMark(marks, { type: "bold" }));
    case "em":
      return parseTokens(childTokens(token), withMark(marks, { type: "italic" }));
    case "del":
      return parseTokens(childTokens(token), withMark(marks, { type: "strike" }));
    case "codespan":
      return textNode((token as Tokens.Codespan).text, withMark(marks, { type: "code" }));
    case "br":
      return [{ type: "hardBreak" }];
    case "link":
      return parseLink(token as Tokens.Link, marks);
    case "image":
      return parseImage(token as Tokens.Image, marks);
    case "checkbox":
      return [];
    case "html":
      return parseHtml(token.raw, marks);
    default: {
      const nested = childTokens(token);
      return nested.length > 0 ? parseTokens(nested, marks) : textNode(softText(token.raw), marks);
    }
  }
}

/** HTML that means nothing here stays readable as text; comments go. */
function parseHtml(html: string, marks: Marks): JSONContent[] {
  if (/^<br\s*\/?>$/iu.test(html)) return [{ type: "hardBreak" }];
  return html.startsWith("<!--") ? [] : textNode(html.replace(/\s*\n\s*/gu, " "), marks);
}

function parseTokens(tokens: Token[], marks: Marks): JSONContent[] {
  const pairs = pairTags(tokens);
  const opened = new Map<string, number>();
  let active = marks;
  return tokens.flatMap((token, index) => {
    const tag = pairs.get(index);
    if (tag === undefined) return parseToken(token, active);
    opened.set(tag.type, (opened.get(tag.type) ?? 0) + (tag.closing ? -1 : 1));
    active = [...opened]
      .filter(([, count]) => count > 0)
      .reduce<Marks>((kept, [type]) => withMark(kept, { type }), marks);
    return [];
  });
}

/** Inline tokens as Tiptap nodes: text with marks, mentions, hard breaks, and images (which are blocks). */
export const parseInline = (tokens: Token[]): JSONContent[] => parseTokens(tokens, []);

const isEdge = (node: JSONContent | undefined): boolean =>
  node?.type === "hardBreak" || (node?.type === "text" && textOf(node).trim() === "");

/** Inline nodes as paragraphs with the images between them. */
export function paragraphsOf(nodes: JSONContent[]): JSONContent[] {
  if (nodes.every(({ type }) => type !== "image")) return [{ type: "paragraph", content: nodes }];
  const blocks: JSONContent[] = [];
  let pending: JSONContent[] = [];
  const flush = () => {
    while (isEdge(pending[0])) pending.shift();
    while (isEdge(pending.at(-1))) pending.pop();
    if (pending.length > 0) blocks.push({ type: "paragraph", content: pending });
    pending = [];
  };
  for (const node of nodes) {
    if (node.type === "image") {
      flush();
      blocks.push(node);
    } else pending.push(node);
  }
  flush();
  return blocks;
}
