import type { JSONContent } from "@tiptap/core";
import type { Token, Tokens } from "marked";

import { decodeEntities } from "./content-entities.ts";
import { blocksOfHtml } from "./content-html-parse.ts";
import { lexMarkdown } from "./content-markdown-lexer.ts";
import { paragraphsOf, parseInline } from "./content-markdown-parse-inline.ts";
import { parseContent } from "./content-parse.ts";
import { isLanguage } from "./document-attributes.ts";
import { ScriptoriumError } from "./errors.ts";

const DEFAULT_MAX_LENGTH = 2_000_000;

const emptyParagraph = (): JSONContent => ({ type: "paragraph" });

/** What a node that must not be empty holds: its blocks, or one empty paragraph. */
const orEmpty = (blocks: JSONContent[]): JSONContent[] =>
  blocks.length > 0 ? blocks : [emptyParagraph()];

function parseParagraph(token: Tokens.Paragraph | Tokens.Text): JSONContent[] {
  const tokens = token.tokens ?? [];
  const [only, ...more] = tokens.filter(({ type }) => type !== "checkbox");
  // Exactly this reference is how renderMarkdown writes an empty paragraph; a real space is &#160; there.
  if (only?.raw === "&nbsp;" && more.length === 0) return [emptyParagraph()];
  return paragraphsOf(parseInline(tokens));
}

/** A heading holds no images: they follow it. */
function parseHeading(token: Tokens.Heading): JSONContent[] {
  const inline = parseInline(token.tokens);
  const content = inline.filter(({ type }) => type !== "image");
  const images = inline.filter(({ type }) => type === "image");
  return [{ type: "heading", attrs: { level: token.depth }, content }, ...images];
}

function parseCode(token: Tokens.Code): JSONContent {
  const language = decodeEntities(token.lang ?? "").split(/\s/u)[0] ?? "";
  return {
    type: "codeBlock",
    attrs: { language: isLanguage(language) ? language : null },
    content: token.text === "" ? [] : [{ type: "text", text: token.text }],
  };
}

/** Entries begin with a paragraph: an empty one is put before anything else. */
function parseEntry(item: Tokens.ListItem): JSONContent[] {
  const blocks = orEmpty(parseBlocks(item.tokens));
  return blocks[0]?.type === "paragraph" ? blocks : [emptyParagraph(), ...blocks];
}

/** There are no numbered task lists: the box stays as text. */
function parseOrderedEntry(item: Tokens.ListItem): JSONContent {
  const [first, ...rest] = parseEntry(item);
  if (!item.task) return { type: "listItem", content: [first ?? emptyParagraph(), ...rest] };
  const box = { type: "text", text: item.checked === true ? "[x] " : "[ ] " };
  return {
    type: "listItem",
    content: [{ type: "paragraph", content: [box, ...(first?.content ?? [])] }, ...rest],
  };
}

/** A list of bullets and tasks mixed becomes several lists, each of one kind. */
function parseList(list: Tokens.List): JSONContent[] {
  if (list.ordered) {
    const start = list.start === "" ? 1 : list.start;
    return [{ type: "orderedList", attrs: { start }, content: list.items.map(parseOrderedEntry) }];
  }
  const lists: (JSONContent & { content: JSONContent[] })[] = [];
  for (const item of list.items) {
    const type = item.task ? "taskList" : "bulletList";
    const entry: JSONContent = item.task
      ? { type: "taskItem", attrs: { checked: item.checked === true }, content: parseEntry(item) }
      : { type: "listItem", content: parseEntry(item) };
    const current = lists.at(-1);
    if (current?.type === type) current.content.push(entry);
    else lists.push({ type, content: [entry] });
  }
  return lists;
}

const parseRow = (cells: Tokens.TableCell[], type: string): JSONContent => ({
  type: "tableRow",
  content: cells.map((cell) => ({
    type,
    attrs: { align: cell.align },
    content: orEmpty(paragraphsOf(parseInline(cell.tokens))),
  })),
});

const parseTable = (table: Tokens.Table): JSONContent => ({
  type: "table",
  content: [
    parseRow(table.header, "tableHeader"),
    ...table.rows.map((row) => parseRow(row, "tableCell")),
  ],
});

/** HTML has no meaning here and is kept as text, line by line; comments go. */
function parseHtmlBlock(html: string): JSONContent[] {
  const lines = html
    .replace(/<!--[\s\S]*?(?:-->|$)/gu, "")
    .trim()
    .split("\n");
  const content = lines.flatMap((line, index) => [
    ...(index > 0 ? [{ type: "hardBreak" }] : []),
    ...(line.trim() === "" ? [] : [lineOfHtml(line.trim())]),
  ]);
  return content.length === 0 ? [] : [{ type: "paragraph", content }];
}

const lineOfHtml = (line: string): JSONContent =>
  /^<br\s*\/?>$/iu.test(line) ? { type: "hardBreak" } : { type: "text", text: line };

function parseBlock(token: Token): JSONContent[] {
  switch (token.type) {
    case "heading":
      return parseHeading(token as Tokens.Heading);
    case "paragraph":
      return parseParagraph(token as Tokens.Paragraph);
    case "text":
      return parseParagraph(token as Tokens.Text);
    case "code":
      return [parseCode(token as Tokens.Code)];
    case "blockquote":
      return [
        { type: "blockquote", content: orEmpty(parseBlocks((token as Tokens.Blockquote).tokens)) },
      ];
    case "list":
      return parseList(token as Tokens.List);
    case "table":
      return [parseTable(token as Tokens.Table)];
    case "hr":
      return [{ type: "horizontalRule" }];
    case "html":
      return parseHtmlBlock(token.raw);
    default:
      return []; // space, link definitions, check boxes
  }
}

/** Tags that what Markdown has no form for is written with; Markdown may stand between them. */
const TAGS = /^ {0,3}<\/?(?:table|thead|tbody|tfoot|tr|th|td|ol|li|pre)[\s>]/iu;
const FIRST_TAGS = /^ {0,3}<(?:table|ol|pre)[\s>]/iu;

const begins = ({ type, raw }: Token): boolean => type === "html" && FIRST_TAGS.test(raw);

const parseBlocks = (tokens: Token[]): JSONContent[] =>
  tokens.some(begins)
    ? blocksOfHtml(
        tokens.map((token) =>
          token.type === "html" && TAGS.test(token.raw) ? token.raw : parseBlock(token),
        ),
      )
    : tokens.flatMap(parseBlock);

/**
 * Reads Markdown (CommonMark with GitHub's tables, task lists, strikethrough and bare addresses) as
 * content in canonical form, without block ids. Links that are not http, https or mailto lose their address
 * and keep their text. HTML that stands for a mark, a break, a table, a numbered list or code is read as what it stands
 * for, with the Markdown in it; other HTML is kept as text, never interpreted.
 * @throws ScriptoriumError `too_large` above `maxLength` characters (2 million by default), `bad_content`
 *   when it nests too deep or would take unreasonably long to read. It blocks its thread: give long
 *   texts to a worker.
 */
export function parseMarkdown(markdown: string, maxLength = DEFAULT_MAX_LENGTH): JSONContent {
  if (markdown.length > maxLength) {
    throw new ScriptoriumError("too_large", `The Markdown has more than ${maxLength} characters`);
  }
  return parseContent({ type: "doc", content: orEmpty(blocksOf(markdown)) });
}

/** The stack may end in marked or here, whichever takes more of it. */
function blocksOf(markdown: string): JSONContent[] {
  try {
    return parseBlocks(lexMarkdown(markdown));
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw new ScriptoriumError("bad_content", "The Markdown is nested too deep", { cause });
    }
    throw cause;
  }
}
