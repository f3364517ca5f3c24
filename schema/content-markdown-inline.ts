import type { JSONContent } from "@tiptap/core";

import {
  bracketsAsEntities,
  codeSpan,
  escapeText,
  guardEdges,
  linkTarget,
} from "./content-markdown-escape.ts";
import {
  attribute,
  type MarkJson,
  marksOf,
  mentionText,
  textAttribute,
  textOf,
} from "./content-node.ts";
import { isImageUrl, isLinkUrl } from "./content-url.ts";

/** Where the text stands: a cell or heading is one line, so its hard breaks are `<br>`. */
export type InlinePlace = { oneLine: boolean; inTable: boolean };
/** `nested` holds the delimiter characters of the marks around. */
type Place = InlinePlace & { inLink: boolean; nested: string };

type Run = { node: JSONContent; marks: readonly MarkJson[] };

const HTML_TAGS: Readonly<Record<string, string>> = {
  bold: "strong",
  italic: "em",
  strike: "s",
  underline: "u",
  code: "code",
};
const DELIMITERS: Readonly<Record<string, string>> = { bold: "**", italic: "*", strike: "~~" };

// Stands for a hard break until the lines are put together; escaped text holds no line break.
const HARD_BREAK = "\n";
const WORD = /[\p{L}\p{N}]/u;

const escapeLabel = (text: string): string => bracketsAsEntities(escapeText(text));

/** `![alt](address "title")`; only the alternative text when the address is not a safe one. */
export function imageMarkdown(node: JSONContent): string {
  const given = textAttribute(node, "alt");
  const alt = escapeLabel(given ?? "");
  const src = attribute(node, "src");
  if (!isImageUrl(src)) return alt;
  // To some readers an image without words is decoration, and one of which nothing is said is not.
  const words = given === "" ? "<!-- -->" : alt;
  return `![${words}]${linkTarget(src, textAttribute(node, "title"))}`;
}

/** `[@label](mention:type/id)`, which other readers show as a link. */
function mentionMarkdown(node: JSONContent): string {
  const target = `${textAttribute(node, "targetType")}/${textAttribute(node, "targetId")}`;
  if (!/^[a-z_]+\/[\w-]+$/u.test(target)) return escapeText(mentionText(node));
  return `[@${escapeLabel(textAttribute(node, "label") ?? "")}](mention:${target})`;
}

type Around = { before: string; after: string };

/**
 * Whether Markdown's own delimiters would be read back as they are meant (CommonMark 6.2, and stricter
 * where that is simpler or where marked errs). `before` and `after` are the characters outside, empty
 * at the end of the text.
 */
function delimitersHold(inner: string, delimiter: string, place: Place, around: Around): boolean {
  if (inner.includes("``")) return false; // marked loses sight of longer code fences inside emphasis
  const own = delimiter.charAt(0);
  const holds = (inside: string, outside: string): boolean => {
    if (inside === "" || inside === own || outside === own || /\s/u.test(inside)) return false;
    if (place.nested.includes(own)) return WORD.test(inside) && /^\s?$/u.test(outside);
    if (/^\s?$/u.test(outside)) return true;
    return WORD.test(inside) && (WORD.test(outside) || /[.,;:!?()*~]/u.test(outside));
  };
  return (
    holds(inner.charAt(0), around.before) && holds(inner.charAt(inner.length - 1), around.after)
  );
}

/** A link whose text is its address, the way people write it. */
const isPlainAutolink = (href: string, runs: readonly Run[]): boolean =>
  runs.length === 1 &&
  runs[0]?.marks.length === 0 &&
  textOf(runs[0].node) === href &&
  /^https?:\/\/[\w./?=%-]+$/u.test(href);

function renderLink(mark: MarkJson, runs: readonly Run[], place: Place, around: Around): string {
  const href = attribute(mark, "href");
  if (!isLinkUrl(href)) return renderRuns(runs, place, around);
  const title = textAttribute(mark, "title");
  if (title === null && isPlainAutolink(href, runs)) return `<${href}>`;
  const text = renderRuns(runs, { ...place, inLink: true }, { before: "", after: "" });
  return `[${text}]${linkTarget(href, title)}`;
}

const without = (runs: readonly Run[], type: string): Run[] =>
  runs.map(({ node, marks }) => ({ node, marks: marks.filter((mark) => mark.type !== type) }));

const allHave = (runs: readonly Run[], type: string): boolean =>
  runs.every(({ marks }) => marks.some((mark) => mark.type === type));

function wrap(mark: MarkJson, runs: readonly Run[], place: Place, around: Around): string {
  const bare = without(runs, mark.type);
  if (mark.type === "link") return renderLink(mark, bare, place, around);
  const tag = Object.hasOwn(HTML_TAGS, mark.type) ? HTML_TAGS[mark.type] : undefined;
  if (tag === undefined) return renderRuns(bare, place, around);
  const delimiter = DELIMITERS[mark.type];
  if (delimiter === undefined) {
    return `<${tag}>${renderRuns(bare, place, { before: ">", after: "<" })}</${tag}>`;
  }
  const edge = delimiter.charAt(0);
  const inside = { ...place, nested: place.nested + edge };
  const edges = { before: edge, after: edge };
  if (mark.type === "bold" && allHave(bare, "italic")) {
    const both = renderRuns(without(bare, "italic"), inside, edges);
    if (delimitersHold(both, "***", place, around)) return `***${both}***`;
  }
  const inner = renderRuns(bare, inside, edges);
  return delimitersHold(inner, delimiter, place, around)
    ? `${delimiter}${inner}${delimiter}`
    : `<${tag}>${inner}</${tag}>`;
}

/** The mark that reaches furthest from here, so that tags nest; a link wins a tie. Code is always innermost. */
function widestMark(
  runs: readonly Run[],
  from: number,
): { mark: MarkJson; end: number } | undefined {
  let widest: { mark: MarkJson; end: number } | undefined;
  for (const mark of runs[from]?.marks ?? []) {
    if (mark.type === "code") continue;
    const key = JSON.stringify(mark);
    const carries = (run: Run | undefined) => run?.marks.some((m) => JSON.stringify(m) === key);
    let end = from + 1;
    while (end < runs.length && carries(runs[end])) end += 1;
    if (widest === undefined || end > widest.end) widest = { mark, end };
  }
  return widest;
}

/** The character that comes after a run; one with marks of its own begins with a delimiter. */
function firstCharacter(run: Run | undefined): string | undefined {
  if (run === undefined) return undefined;
  if (run.marks.length > 0) return "*";
  if (run.node.type === "hardBreak") return " ";
  return run.node.type === "mention" ? "[" : textOf(run.node).charAt(0);
}

function renderLeaf({ node, marks }: Run, place: Place): string {
  if (node.type === "mention") return mentionMarkdown(node);
  if (node.type === "hardBreak") return place.oneLine ? "<br>" : HARD_BREAK;
  if (marks.length > 0) return codeSpan(textOf(node), place);
  return place.inLink ? escapeLabel(textOf(node)) : escapeText(textOf(node));
}

function renderRuns(runs: readonly Run[], place: Place, around: Around): string {
  // Pieces rather than one growing string: looking at its last character each time is quadratic.
  const pieces: string[] = [];
  let before = around.before;
  for (let index = 0; index < runs.length;) {
    const run = runs[index];
    if (run === undefined) break;
    const widest = widestMark(runs, index);
    const end = widest?.end ?? index + 1;
    const after = firstCharacter(runs[end]) ?? around.after;
    const piece =
      widest === undefined
        ? renderLeaf(run, place)
        : wrap(widest.mark, runs.slice(index, end), place, { before, after });
    // "!" before a link would make it an image.
    if (before === "!" && pieces.length > 0 && piece.startsWith("[")) {
      pieces.push(`${pieces.pop()?.slice(0, -1) ?? ""}\\!`);
    }
    pieces.push(piece);
    before = piece.charAt(piece.length - 1) || before;
    index = end;
  }
  return pieces.join("");
}

const isInline = ({ type }: JSONContent): boolean =>
  type === "text" || type === "hardBreak" || type === "mention";

/** The text of a paragraph, heading or table cell, with marks, mentions and hard breaks. */
export function renderInline(nodes: readonly JSONContent[], place: InlinePlace): string {
  const runs = nodes.filter(isInline).map((node) => ({ node, marks: marksOf(node) }));
  const lines = renderRuns(runs, { ...place, inLink: false, nested: "" }, { before: "", after: "" })
    .split(HARD_BREAK)
    .map(guardEdges);
  // A backslash at the very end is a backslash: there breaks are written as HTML.
  const trailing = lines.length - 1 - lines.findLastIndex((line) => line !== "");
  const kept = lines.slice(0, lines.length - trailing);
  const breaks = kept.length === 0 ? trailing - 1 : trailing;
  const text = `${kept.join("\\\n")}${"<br>".repeat(breaks)}`;
  // A tag alone on its line would begin an HTML block.
  return text === "<br>" ? "<br><!-- -->" : text;
}
