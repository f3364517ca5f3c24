import type { JSONContent } from "@tiptap/core";

import { parseInline, textInside, type MarkJsons } from "./content-html-inline.ts";
import { parseContent } from "./content-parse.ts";
import { isImageUrl } from "./content-url.ts";
import { isBlockId, isColumnWidths, isLanguage } from "./document-attributes.ts";
import { ScriptoriumError } from "./errors.ts";
import {
  READ_TAG,
  readHtml,
  type HtmlElement,
  type HtmlNode,
  type HtmlPiece,
} from "./html-tree.ts";

/** As much as Markdown may have, in characters. */
const MAX_LENGTH = 2_000_000;

const paragraph = (content: JSONContent[] = []): JSONContent => ({
  type: "paragraph",
  ...(content.length > 0 && { content }),
});

/**
 * Reads HTML, what `renderHtml` writes and what people bring along, as content in canonical form. Elements that the
 * schema does not have are left out around their content; scripts, styles and unsafe addresses are left out whole.
 * It blocks its thread: give long texts to a worker.
 * @throws ScriptoriumError `too_large` above 2,000,000 characters; `bad_content` when it nests too deep.
 */
export function parseHtml(html: string): JSONContent {
  if (html.length > MAX_LENGTH) {
    throw new ScriptoriumError("too_large", `The HTML has more than ${MAX_LENGTH} characters`);
  }
  const blocks = blocksOfHtml([html]);
  return parseContent({ type: "doc", content: blocks.length === 0 ? [paragraph()] : blocks });
}

/** The blocks of an HTML text in pieces, not canonical yet; what has been read already stays as it is. */
export const blocksOfHtml = (pieces: readonly HtmlPiece[]): JSONContent[] =>
  parseFlow(readHtml(pieces), []);

/** Blocks, and between them runs of text, which become paragraphs. */
function parseFlow(nodes: readonly HtmlNode[], marks: MarkJsons): JSONContent[] {
  const blocks: JSONContent[] = [];
  let run: HtmlNode[] = [];
  const endRun = (): void => {
    const content = parseInline(run, marks);
    if (content.length > 0) blocks.push(paragraph(content));
    run = [];
  };
  for (const node of nodes) {
    if (typeof node === "string" || !holdsBlock(node)) run.push(node);
    else {
      endRun();
      blocks.push(...parseBlock(node, marks));
    }
  }
  endRun();
  return blocks;
}

/** True for a block, and for anything around one. */
const holdsBlock = (node: HtmlNode): boolean =>
  typeof node !== "string" && (Object.hasOwn(BLOCKS, node.tag) || node.children.some(holdsBlock));

function parseBlock(element: HtmlElement, marks: MarkJsons): JSONContent[] {
  const parse = Object.hasOwn(BLOCKS, element.tag) ? BLOCKS[element.tag] : undefined;
  if (parse === undefined) return parseFlow(element.children, marks);
  return parse(element, marks).map((block) => withId(block, element));
}

function withId(block: JSONContent, { attributes }: HtmlElement): JSONContent {
  const id = attributes.get("data-id");
  return isBlockId(id) ? { ...block, attrs: { ...block.attrs, id } } : block;
}

type ParseBlock = (element: HtmlElement, marks: MarkJsons) => JSONContent[];

const parseParagraph: ParseBlock = (element, marks) =>
  element.children.some(holdsBlock)
    ? parseFlow(element.children, marks)
    : [paragraph(parseInline(element.children, marks))];

const heading =
  (level: number): ParseBlock =>
  ({ children }, marks) => {
    // One that was never ended holds the rest of the page.
    if (children.some(holdsBlock)) return parseFlow(children, marks);
    const content = parseInline(children, marks);
    return [{ type: "heading", attrs: { level }, ...(content.length > 0 && { content }) }];
  };

const parseQuote: ParseBlock = ({ children }, marks) => {
  const content = parseFlow(children, marks);
  return [{ type: "blockquote", content: content.length === 0 ? [paragraph()] : content }];
};

const parsePre: ParseBlock = ({ children }) => {
  const code = children.find((node) => typeof node !== "string" && node.tag === "code");
  const names = typeof code === "object" ? (code.attributes.get("class") ?? "") : "";
  const language = /(?:^|\s)language-(?<language>\S+)/u.exec(names)?.groups?.["language"];
  const text = textInside(children);
  return [
    {
      type: "codeBlock",
      ...(isLanguage(language) && { attrs: { language } }),
      ...(text !== "" && { content: [{ type: "text", text }] }),
    },
  ];
};

const parseImage: ParseBlock = ({ attributes }) => {
  const [src, alt, title] = ["src", "alt", "title"].map((name) => attributes.get(name));
  if (isImageUrl(src)) return [{ type: "image", attrs: { src, alt, title } }];
  return alt === undefined || alt === "" ? [] : [paragraph([{ type: "text", text: alt }])];
};

const isElement = (node: HtmlNode, ...tags: readonly string[]): node is HtmlElement =>
  typeof node !== "string" && tags.includes(node.tag);

/** The box of a task; it stands before the text, perhaps in a label. */
function boxOf({ children }: HtmlElement): HtmlElement | undefined {
  const first = children.find((node) => typeof node !== "string" || node.trim() !== "");
  if (first === undefined || typeof first === "string") return undefined;
  if (first.tag === "label" || first.tag === "p") return boxOf(first);
  return first.tag === "input" && first.attributes.get("type") === "checkbox" ? first : undefined;
}

function parseList(element: HtmlElement, marks: MarkJsons): JSONContent[] {
  const rows = element.children.filter((node) => typeof node !== "string" || node.trim() !== "");
  const entries = rows.map((node): HtmlElement =>
    isElement(node, "li") ? node : { tag: "li", attributes: new Map(), children: [node] },
  );
  if (entries.length === 0) return [];
  const isTasks = entries.every((entry) => boxOf(entry) !== undefined);
  const content = entries.map((entry) => {
    const blocks = parseFlow(entry.children, marks);
    // An entry begins with a paragraph, be it an empty one.
    const whole = blocks[0]?.type === "paragraph" ? blocks : [paragraph(), ...blocks];
    if (!isTasks) return { type: "listItem", content: whole };
    const checked = boxOf(entry)?.attributes.has("checked") === true;
    return { type: "taskItem", attrs: { checked }, content: whole };
  });
  if (isTasks) return [{ type: "taskList", content }];
  if (element.tag !== "ol") return [{ type: "bulletList", content }];
  const start = Number(element.attributes.get("start") ?? 1);
  const type = element.attributes.get("type");
  const attrs = {
    start: Number.isInteger(start) && start >= 0 && start <= 999_999_999 ? start : 1,
    ...(type !== undefined && /^[1aAiI]$/u.test(type) && { type }),
  };
  return [{ type: "orderedList", attrs, content }];
}

const rowsIn = ({ children }: HtmlElement): HtmlElement[] =>
  children.flatMap((node) => {
    if (isElement(node, "tr")) return [node];
    return isElement(node, "thead", "tbody", "tfoot") ? rowsIn(node) : [];
  });

const parseTable: ParseBlock = (element, marks) => {
  const content = rowsIn(element).map((row) => ({
    type: "tableRow",
    content: row.children
      .filter((node) => isElement(node, "td", "th"))
      .map((cell) => parseCell(cell, marks)),
  }));
  return content.length === 0 ? parseFlow(element.children, marks) : [{ type: "table", content }];
};

function parseCell({ tag, attributes, children }: HtmlElement, marks: MarkJsons): JSONContent {
  const span = (name: string): number => {
    const value = Number(attributes.get(name) ?? 1);
    return Number.isInteger(value) && value >= 1 && value <= 1000 ? value : 1;
  };
  const widths = attributes
    .get("colwidth")
    ?.split(",")
    .flatMap((width) => (width === "" ? [] : [Number(width)]));
  const align = /text-align:\s*(?<align>left|center|right)/u.exec(attributes.get("style") ?? "");
  const content = parseFlow(children, marks);
  return {
    type: tag === "th" ? "tableHeader" : "tableCell",
    attrs: {
      colspan: span("colspan"),
      rowspan: span("rowspan"),
      ...(isColumnWidths(widths) && { colwidth: widths }),
      ...(align !== null && { align: align.groups?.["align"] }),
    },
    content: content.length === 0 ? [paragraph()] : content,
  };
}

const BLOCKS: Readonly<Record<string, ParseBlock>> = {
  p: parseParagraph,
  h1: heading(1),
  h2: heading(2),
  h3: heading(3),
  h4: heading(4),
  h5: heading(5),
  h6: heading(6),
  blockquote: parseQuote,
  ul: parseList,
  ol: parseList,
  table: parseTable,
  pre: parsePre,
  img: parseImage,
  hr: () => [{ type: "horizontalRule" }],
  [READ_TAG]: ({ blocks = [] }) => [...blocks],
  div: parseFlowOf,
  section: parseFlowOf,
  article: parseFlowOf,
};

/** A box around blocks, or around a line. */
function parseFlowOf({ children }: HtmlElement, marks: MarkJsons): JSONContent[] {
  return parseFlow(children, marks);
}
