import type { JSONContent } from "@tiptap/core";
import { MAX_COMMENT_LENGTH } from "./api/discussions.ts";
import { childrenOf, marksOf, textOf } from "./content-node.ts";
import { parseMarkdown } from "./content-markdown-parse.ts";
import { parseContent } from "./content-parse.ts";
import { ScriptoriumError } from "./errors.ts";

const LIMITS = { maxLength: MAX_COMMENT_LENGTH, maxNodes: 5000 };

const NODES: ReadonlySet<string> = new Set([
  "doc",
  "paragraph",
  "text",
  "hardBreak",
  "codeBlock",
  "mention",
]);
const MARKS: ReadonlySet<string> = new Set(["bold", "italic", "strike", "code", "link"]);

/** What somebody says, in one of two forms. */
export type GivenComment = {
  readonly content?: unknown;
  readonly markdown?: string | undefined;
};

/**
 * Reads a comment into Tiptap JSON: paragraphs, code, links, mentions, line breaks, a few marks, and no block ids.
 * @throws ScriptoriumError `bad_content` for anything else, and where it says nothing; `too_large`.
 */
export function parseComment({ content, markdown }: GivenComment): JSONContent {
  const parsed =
    markdown === undefined
      ? parseContent(content, LIMITS)
      : parseContent(parseMarkdown(markdown, MAX_COMMENT_LENGTH), LIMITS);
  const comment = allowed(parsed);
  if (saysSomething(comment)) return comment;
  throw new ScriptoriumError("bad_content", "A comment says something");
}

function allowed(node: JSONContent): JSONContent {
  const type = node.type ?? "";
  if (!NODES.has(type)) refuse(`a ${type}`);
  const mark = marksOf(node).find((each) => !MARKS.has(each.type));
  if (mark !== undefined) refuse(`${mark.type} text`);
  const children = childrenOf(node).map(allowed);
  const attrs = Object.entries(node.attrs ?? {}).filter(([name]) => name !== "id");
  return {
    type,
    ...(attrs.length > 0 && { attrs: Object.fromEntries(attrs) }),
    ...(children.length > 0 && { content: children }),
    ...(node.marks !== undefined && { marks: node.marks }),
    ...(node.text !== undefined && { text: node.text }),
  };
}

function refuse(what: string): never {
  throw new ScriptoriumError(
    "bad_content",
    `A comment holds paragraphs, code, links, mentions, bold, italic and struck text; not ${what}`,
  );
}

const saysSomething = (node: JSONContent): boolean =>
  node.type === "mention" || textOf(node).trim() !== "" || childrenOf(node).some(saysSomething);
